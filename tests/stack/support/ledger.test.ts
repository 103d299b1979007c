import { expect, test } from 'vitest'
import { barFaults } from './ledger.ts'

const FED = [
  '2025-01-03T17:50:00.000Z',
  '2025-01-03T17:55:00.000Z',
  '2025-01-06T13:00:00.000Z',
  '2025-01-07T13:00:00.000Z',
  '2025-01-07T13:05:00.000Z',
  '2025-01-07T13:10:00.000Z',
]
/** All that was fed but the holiday of 6 January. */
const decided = FED.filter((label) => !label.startsWith('2025-01-06')).map((label, i) => ({
  id: `decision-${i}`,
  barTime: Date.parse(label),
  session: label.slice(0, 10),
}))
const at = (i: number) => decided[i]!

test('finds nothing where every bar of a session was decided on once', () => {
  expect(barFaults(decided, FED)).toEqual([])
})

test('finds a bar that was lost', () => {
  expect(barFaults(decided.toSpliced(3, 1), FED)).toEqual([
    'the bar 2025-01-07T13:05:00.000Z was never decided on',
  ])
})

test('finds a bar that was decided on twice', () => {
  const twice = { ...at(3), id: 'decision-9' }
  expect(barFaults([...decided.slice(0, 4), twice, at(4)], FED)).toEqual([
    'decision-9 is of 2025-01-07T13:05:00.000Z, behind decision-3',
  ])
})

test('finds a bar out of its order', () => {
  expect(barFaults([at(0), at(1), at(3), at(2), at(4)], FED)).toEqual([
    'decision-2 is of 2025-01-07T13:00:00.000Z, behind decision-3',
  ])
})

test('does not take nothing for whole', () => {
  expect(barFaults([], FED)).toEqual(['there is no decision'])
})
