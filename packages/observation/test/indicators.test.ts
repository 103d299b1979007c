import { describe, expect, test } from 'vitest'
import { Reducer } from '../src/reducer.ts'
import { bar, contract, golden, labels } from './demo.ts'

interface Golden {
  talib: string
  series: Record<string, Series>
}
interface Series {
  high: number[]
  low: number[]
  close: number[]
  rsi: (number | null)[]
  rsiZeroBranch: number
  atr: (number | null)[]
  adx: (number | null)[]
}

const { series: goldenSeries, talib } = golden('indicators.json') as Golden
const RSI = 3
const ATR = 4
const ADX = 5

/** The three indicators of a series, bar after bar; null before the first value. */
function indicatorsOf({ high, low, close }: Pick<Series, 'high' | 'low' | 'close'>) {
  const reducer = new Reducer(contract)
  const times = labels(close.length)
  const rows = close.map((price, i) => {
    const step = reducer.step(bar(times[i]!, price, { high: high[i]!, low: low[i]! }))
    if (step.kind === 'rejected') throw new Error(step.reason)
    return step.row.market
  })
  const column = (at: number) => rows.map((row) => (Number.isNaN(row[at]!) ? null : row[at]!))
  return { rsi: column(RSI), atrPct: column(ATR), adx: column(ADX) }
}

/** The design's equality of two computations, and nulls in the same places. */
function differences(actual: (number | null)[], expected: (number | null)[]) {
  return expected.flatMap((want, i) => {
    const have = actual[i] ?? null
    const equal =
      want === null || have === null
        ? want === have
        : Math.abs(have - want) <= 1e-9 * Math.abs(want) + 1e-12
    return equal ? [] : [{ i, have, want }]
  })
}

describe(`TA-Lib ${talib}`, () => {
  test.for(Object.entries(goldenSeries))('is equalled on %s', ([, series]) => {
    const { rsi, atrPct, adx } = indicatorsOf(series)
    const rsiOrNeutral = series.rsi.map((value, i) =>
      value !== null && i < series.rsiZeroBranch ? 50 : value,
    )
    const atrPctOf = series.atr.map((value, i) =>
      value === null ? null : (value / series.close[i]!) * 100,
    )
    expect(differences(rsi, rsiOrNeutral)).toEqual([])
    expect(differences(atrPct, atrPctOf)).toEqual([])
    // TA-Lib fuses multiply and add in the other two; ADX is the same to the bit.
    expect(adx).toEqual(series.adx)
  })

  test('has its first values at indices 9, 10 and 27', () => {
    const { rsi, atr, adx } = goldenSeries['a random walk']!
    const firsts = [rsi, atr, adx].map((values) => values.findIndex((value) => value !== null))
    expect(firsts).toEqual([9, 10, 27])
  })
})

test("Wilder's RSI with a mean seed ends the textbook series at 51.180552", () => {
  const close = [
    44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.1, 45.42, 45.84, 46.08, 45.89, 46.03, 45.61, 46.28,
    46.28, 46.0, 46.03, 46.41, 46.22, 45.64,
  ]
  const { rsi } = indicatorsOf({ high: close, low: close, close })
  expect(rsi.at(-1)).toBeCloseTo(51.180552, 6)
})
