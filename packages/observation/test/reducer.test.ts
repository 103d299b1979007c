import { describe, expect, test } from 'vitest'
import { type Bar, barColumns } from '../src/bars.ts'
import { Reducer } from '../src/reducer.ts'
import { rowAt } from '../src/rows.ts'
import { bar, contract, demoBars, demoMacro, labels } from './demo.ts'

const THURSDAY = '2024-03-07T15:00:00Z'

function rowsOf(bars: readonly Bar[]) {
  const { rows } = new Reducer(contract).batch(barColumns(bars))
  return Array.from({ length: rows.length }, (_, i) => rowAt(rows, i))
}

describe('hygiene', () => {
  const GOOD = bar(THURSDAY, 4000)
  const SATURDAY_NIGHT = Date.parse('2024-03-09T23:02:00Z')
  const HOLIDAY_NIGHT = Date.parse('2024-03-25T23:00:00Z')
  const OFF_GRID = Date.parse('2024-03-07T15:02:00Z')
  const EARLIER = Date.parse('2024-03-07T14:00:00Z')

  // Each case breaks the rule it is named for and as many of the later ones as it can.
  test.for<[string, Bar]>([
    ['unparsable', bar(SATURDAY_NIGHT, -1, { close: Number.NaN })],
    ['unparsable', bar(SATURDAY_NIGHT, 1, { open: Infinity })],
    ['unparsable', bar(Number.NaN, -1)],
    ['unparsable', bar(9e15, 4000)],
    ['non_positive', bar(SATURDAY_NIGHT, 4000, { low: 0 })],
    ['non_positive', bar(SATURDAY_NIGHT, -4000, { high: -4001 })],
    ['ohlc', bar(SATURDAY_NIGHT, 4000, { high: 3999 })],
    ['ohlc', bar(SATURDAY_NIGHT, 4000, { low: 4001 })],
    ['off_grid', bar(SATURDAY_NIGHT, 4000)],
    ['off_grid', bar(OFF_GRID, 4000)],
    ['off_grid', bar(Date.parse(THURSDAY) + 0.5, 4000)],
    ['weekend', bar('2024-03-09T23:00:00Z', 4000)],
    // The Saturday that Independence Day 2020 fell on is a weekend first.
    ['weekend', bar('2020-07-04T15:00:00Z', 4000)],
    ['holiday', bar(HOLIDAY_NIGHT, 4000)],
    ['session', bar('2024-03-07T12:55:00Z', 4000)],
    ['session', bar('2024-03-07T18:00:00Z', 4000)],
    ['duplicate', bar(THURSDAY, 4001)],
    ['out_of_order', bar(EARLIER, 4000)],
  ])('%s', ([reason, dirty]) => {
    const reducer = new Reducer(contract)
    reducer.step(GOOD)
    const before = reducer.saveSymbol('USD/COP')
    expect(reducer.step(dirty)).toEqual({ kind: 'rejected', reason })
    expect(reducer.saveSymbol('USD/COP')).toEqual(before)
  })

  test('tells a repeated bar from a late one, however old', () => {
    const times = labels(180)
    const skipped = 7
    const reducer = new Reducer(contract)
    for (const [i, time] of times.entries()) if (i !== skipped) reducer.step(bar(time, 4000))
    const outcomes = times.map((time) => reducer.step(bar(time, 4000)))
    expect(outcomes).toEqual(
      times.map((_, i) => ({
        kind: 'rejected',
        reason: i === skipped ? 'out_of_order' : 'duplicate',
      })),
    )
  })

  test('keeps symbols apart', () => {
    const reducer = new Reducer(contract)
    const kinds = ['USD/COP', 'EUR/COP', 'USD/COP'].map(
      (symbol) => reducer.step(bar(THURSDAY, 4000, { symbol })).kind,
    )
    expect(kinds).toEqual(['accepted', 'accepted', 'rejected'])
    expect(reducer.symbols()).toEqual(['USD/COP', 'EUR/COP'])
  })

  test('gives a symbol no state for a rejected bar', () => {
    const reducer = new Reducer(contract)
    reducer.step(bar('2024-03-09T15:00:00Z', 4000))
    expect(reducer.symbols()).toEqual([])
  })

  test('takes 75,210 bars of the demo data and counts the others by reason', {
    timeout: 60_000,
  }, () => {
    const { rows, rejected } = new Reducer(contract).batch(barColumns(demoBars()))
    expect({ accepted: rows.length, ...rejected }).toEqual({
      accepted: 75_210,
      unparsable: 0,
      non_positive: 0,
      ohlc: 0,
      off_grid: 0,
      weekend: 0,
      holiday: 6_461,
      session: 1_171,
      duplicate: 0,
      out_of_order: 0,
    })
  })
})

describe('a row', () => {
  test('says when its bar closed, its session, its time of session and its release instant', () => {
    const [row] = rowsOf([bar('2024-03-07T15:30:00Z', 4000)])
    expect({ ...row, market: [...row!.market] }).toEqual({
      symbol: 'USD/COP',
      barTime: Date.parse('2024-03-07T15:30:00Z'),
      availableAt: Date.parse('2024-03-07T15:35:00Z'),
      session: '2024-03-07',
      market: Array.from({ length: 13 }, () => Number.NaN),
      timeNormalized: 150 / 295,
      gapBars: 0,
      flags: ['warmup'],
      macroAgeMs: Number.NaN,
      macroReleasedAt: Date.parse('2024-03-07T12:50:00Z'),
    })
  })

  test.for([
    ['2024-03-07T13:00:00Z', 0],
    ['2024-03-07T17:55:00Z', 1],
  ] as const)('at %s has time_normalized %d', ([time, timeNormalized]) => {
    expect(rowsOf([bar(time, 4000)])[0]?.timeNormalized).toBe(timeNormalized)
  })

  test('takes returns over bars, not over hours, and clips them', () => {
    const times = labels(100).filter((_, i) => i % 3 !== 1)
    const rows = rowsOf(times.map((time, i) => bar(time, 4000 * 1.0005 ** i)))
    const at = (i: number) =>
      Array.from(rows[i]!.market.subarray(0, 3), (r) => Math.round(r / Math.log(1.0005)))
    expect([at(0), at(11), at(12), at(47), at(48)]).toEqual([
      [Number.NaN, Number.NaN, Number.NaN],
      [1, Number.NaN, Number.NaN],
      [1, 12, Number.NaN],
      [1, 12, Number.NaN],
      [1, 12, 48],
    ])
    const jump = rowsOf([bar(times[0]!, 4000), bar(times[1]!, 8000), bar(times[2]!, 4000)])
    expect(jump.slice(1).map(({ market }) => market[0])).toEqual([0.05, -0.05])
  })

  test('counts the bars missing since the previous one of its session', () => {
    const times = [
      '2024-03-07T13:10:00Z', // the first of a session misses none, however late
      '2024-03-07T13:15:00Z',
      '2024-03-07T13:50:00Z',
      '2024-03-07T14:30:00Z',
      '2024-03-08T17:00:00Z',
    ]
    const rows = rowsOf(times.map((time) => bar(time, 4000)))
    expect(rows.map(({ gapBars, flags }) => [gapBars, flags.includes('gap')])).toEqual([
      [0, false],
      [0, false],
      [6, false],
      [7, true],
      [0, false],
    ])
  })

  test('is flagged during warm-up, with values missing, and while macro is stale', () => {
    const reducer = new Reducer(contract)
    for (const value of demoMacro()) if (value.date < '2024-01-25') reducer.macro.publish(value)
    const { rows } = reducer.batch(barColumns(labels(1_500).map((time) => bar(time, 4000))))
    const flags = Array.from({ length: rows.length }, (_, i) => rowAt(rows, i).flags.join('|'))
    const changes = flags.flatMap((text, i) => (text === flags[i - 1] ? [] : [[i, text]]))
    // Dated 24 January, released on the 25th at 12:50, ten days old on 4 February, a Sunday.
    const firstStale = labels(1_500).findIndex((time) => time > Date.UTC(2024, 1, 4))
    expect(changes).toEqual([
      [0, 'warmup'],
      [150, ''],
      [firstStale, 'stale_macro'],
    ])
  })

  test('is flagged warmup as long as any value is missing', () => {
    const rows = rowsOf(labels(200).map((time) => bar(time, 4000)))
    expect(rows.at(-1)?.flags).toEqual(['warmup'])
  })
})
