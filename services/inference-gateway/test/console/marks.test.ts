import { expect, test } from 'vitest'
import { marksOf } from '../../console/marks.js'
import { chartRows } from '../../console/series.js'
import { barAt, decisionAt } from './sample.ts'

const bars = Array.from({ length: 8 }, (_, index) => ({
  ...barAt(index, 4_000 + index),
  high: 4_100,
  low: 3_900,
}))
const rows = chartRows(bars, [], null)

const decide = (...signals: ('LONG' | 'SHORT' | 'FLAT' | null)[]) =>
  signals.flatMap((signal, index) => {
    const bar = bars[index]
    return bar ? [decisionAt(bar, signal)] : []
  })

test('marks what changes the signal, and nothing while it stays', () => {
  expect(marksOf(rows, decide('FLAT', 'LONG', 'LONG', 'SHORT', 'SHORT', 'FLAT'), [])).toEqual([
    { kind: 'LONG', row: 1, price: 3_900 },
    { kind: 'SHORT', row: 3, price: 4_100 },
    { kind: 'FLAT', row: 5, price: 3_900 },
  ])
})

test('a refusal is marked, and the signal before it goes on', () => {
  expect(marksOf(rows, decide('LONG', null, 'LONG', null, 'FLAT'), [])).toEqual([
    { kind: 'LONG', row: 0, price: 3_900 },
    { kind: 'refusal', row: 1, price: 3_900 },
    { kind: 'refusal', row: 3, price: 3_900 },
    { kind: 'FLAT', row: 4, price: 3_900 },
  ])
})

test('a fill stands at its price; what happened on bars no longer held is left out', () => {
  const gone = barAt(0, 4_000, -3)
  const fills = [
    { barTime: gone.barTime, from: 0, to: 1, price: 1, costCop: 1 },
    { barTime: bars[2]?.barTime ?? 0, from: 0, to: 1, price: 4_001.5, costCop: 1 },
  ]
  expect(marksOf(rows, [decisionAt(gone, 'LONG')], fills)).toEqual([
    { kind: 'fill', row: 2, price: 4_001.5 },
  ])
})
