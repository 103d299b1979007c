import { expect, test } from 'vitest'
import { chartRows, hourRows, windowOf } from '../../console/series.js'
import { barAt, equityAt, INITIAL_CASH, OPENING } from './sample.ts'

const DAY_MS = 86_400_000

test('one empty row stands between two sessions, however long the time between them', () => {
  const bars = [barAt(58, 4_000), barAt(59, 4_001), barAt(0, 4_010, 4)]
  const rows = chartRows(bars, [equityAt(barAt(59, 4_001), INITIAL_CASH * 1.02)], INITIAL_CASH)
  expect({
    ...rows,
    returns: rows.returns.map((value) => value && Number(value.toFixed(9))),
  }).toEqual({
    x: [0, 1, 2, 3],
    bars: [bars[0], bars[1], null, bars[2]],
    close: [4_000, 4_001, null, 4_010],
    high: [4_000, 4_001, null, 4_010],
    low: [4_000, 4_001, null, 4_010],
    returns: [null, 0.02, null, null],
    positions: [null, 0, null, null],
    sessions: [
      { session: '2025-06-26', startAt: bars[0]?.barTime, start: 0, end: 2 },
      { session: '2025-06-30', startAt: OPENING + 4 * DAY_MS, start: 3, end: 4 },
    ],
    rowOf: new Map([
      [bars[0]?.barTime, 0],
      [bars[1]?.barTime, 1],
      [bars[2]?.barTime, 3],
    ]),
  })
})

test.for([
  { name: 'keeps room for the rest of the running session', count: 1, window: [60, 121] },
  { name: 'goes back as many sessions as asked', count: 2, window: [-1, 121] },
  { name: 'shows all there is when more is asked for', count: 10, window: [-1, 121] },
])('the window $name', ({ count, window }) => {
  const first = Array.from({ length: 60 }, (_, index) => barAt(index, 4_000))
  const rows = chartRows([...first, barAt(0, 4_001, 1), barAt(1, 4_001, 1)], [], null)
  expect(windowOf(rows, count)).toEqual(window)
})

test('without bars the window is one empty session', () => {
  expect(windowOf(chartRows([], [], null), 3)).toEqual([0, 60])
})

test.for([
  { name: 'every hour where they fit', apart: 10, rows: [12, 24, 36, 48] },
  { name: 'every second hour where they do not', apart: 20, rows: [24, 48] },
  { name: 'not at all where even those collide', apart: 30, rows: [] },
])('hours are labelled $name', ({ apart, rows: expected }) => {
  const session = Array.from({ length: 60 }, (_, index) => barAt(index, 4_000))
  expect(hourRows(chartRows(session, [], null), -1, 60, apart)).toEqual(expected)
})

test('hours that missing bars push together give way to the one before', () => {
  const sparse = [0, 12, 24, 36, 48].map((index) => barAt(index, 4_000))
  expect(hourRows(chartRows(sparse, [], null), -1, 60, 2)).toEqual([1, 3])
})
