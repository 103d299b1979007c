import { describe, expect, test } from 'vitest'
import { createCalendar, formatDay, parseDay } from '../src/calendar.ts'
import { MacroTimeline } from '../src/macro.ts'
import { contract, demoMacro } from './demo.ts'

const calendar = createCalendar(contract)
const FEATURES = contract.names.slice(6, 13)

/** A timeline of one series with a value a day from `first` on. */
function timeline(series: string, first: string, values: readonly number[]): MacroTimeline {
  const macro = new MacroTimeline(contract, calendar)
  for (const [i, value] of values.entries())
    macro.publish({ series, date: formatDay(parseDay(first) + i), value })
  return macro
}

function featureAt(macro: MacroTimeline, name: string, instant: string): number {
  return macro.viewAt(Date.parse(instant)).values[FEATURES.indexOf(name)]!
}

const to12 = (value: number) => Math.round(value * 1e12) / 1e12
const ramp = (count: number) => Array.from({ length: count }, (_, i) => 100 + i)

describe('release', () => {
  test.for([
    { date: '2024-03-05', usableFrom: '2024-03-06T12:50Z', why: 'the next day' },
    { date: '2024-03-08', usableFrom: '2024-03-11T12:50Z', why: 'after the weekend' },
    { date: '2024-03-09', usableFrom: '2024-03-11T12:50Z', why: 'dated on a Saturday' },
    { date: '2024-03-22', usableFrom: '2024-03-26T12:50Z', why: 'after a holiday' },
    { date: '2024-03-27', usableFrom: '2024-04-01T12:50Z', why: 'after Easter' },
  ])('a value of $date is usable from $usableFrom, $why', ({ date, usableFrom }) => {
    const macro = timeline('ust10y', '2024-03-01', [4])
    macro.publish({ series: 'col10y', date: '2024-03-01', value: 9 })
    macro.publish({ series: 'col10y', date, value: 10 })
    const at = Date.parse(usableFrom)
    const spread = (instant: number) => macro.viewAt(instant).values[5]
    expect([spread(at - 1), spread(at)]).toEqual([5, 6])
  })

  test('says over which span nothing else is released', () => {
    const macro = timeline('dxy', '2024-03-04', [100, 101, 102])
    const { from, until, oldestReleaseAt } = macro.viewAt(Date.parse('2024-03-06T15:00Z'))
    expect([from, until, oldestReleaseAt].map((at) => new Date(at).toISOString())).toEqual([
      '2024-03-06T12:50:00.000Z',
      '2024-03-07T12:50:00.000Z',
      '2024-03-06T12:50:00.000Z',
    ])
  })

  test('ages by the series that has been silent longest', () => {
    const macro = timeline('dxy', '2024-03-04', [100, 101, 102])
    macro.publish({ series: 'vix', date: '2024-02-01', value: 14 })
    const { oldestReleaseAt } = macro.viewAt(Date.parse('2024-03-06T15:00Z'))
    expect(oldestReleaseAt).toBe(Date.parse('2024-02-02T12:50Z'))
  })
})

describe('z-score', () => {
  const LATE = '2025-01-02T13:05Z'
  test.for([
    { name: 'is missing below 20 values', values: ramp(19), z: Number.NaN },
    // Of 0…19: mean 9.5, sample variance 35.
    { name: 'counts the newest value', values: ramp(20), z: 9.5 / Math.sqrt(35) },
    // Of any 60 in a row: newest − mean = 29.5, sample variance 305.
    { name: 'forgets all but the last 60', values: [-1e6, ...ramp(60)], z: 29.5 / Math.sqrt(305) },
    { name: 'is 0 when nothing varies', values: Array.from({ length: 25 }, () => 0.1), z: 0 },
    { name: 'is clipped', values: [...Array.from({ length: 59 }, () => 1), 50], z: 4 },
  ])('$name', ({ values, z }) => {
    const vixZ = featureAt(timeline('vix', '2024-01-01', values), 'vix_z', LATE)
    expect(to12(vixZ)).toBe(to12(z))
  })
})

describe('change', () => {
  test.for([
    { name: 'needs two values', values: [80], change: Number.NaN },
    { name: 'is relative to the value before', values: [80, 82], change: 0.025 },
    { name: 'is clipped', values: [80, 160], change: 0.1 },
    { name: 'is clipped downwards', values: [80, 8], change: -0.1 },
    { name: 'is missing from zero', values: [0, 80], change: Number.NaN },
  ])('$name', ({ values, change }) => {
    const macro = timeline('brent', '2024-01-01', values)
    expect(to12(featureAt(macro, 'brent_change_1d', '2024-02-01T13:05Z'))).toBe(change)
  })
})

describe('publish', () => {
  test('tells a new value, a repeated one and a correction apart', () => {
    const macro = timeline('brent', '2024-01-03', [80, 82])
    const again = (value: number) => macro.publish({ series: 'brent', date: '2024-01-04', value })
    expect([again(82), again(84), again(84)]).toEqual(['unchanged', 'corrected', 'unchanged'])
    expect(featureAt(macro, 'brent_change_1d', '2024-02-01T13:05Z')).toBeCloseTo(0.05, 12)
  })

  test('a correction shows in a view that was asked for before', () => {
    const macro = timeline('brent', '2024-01-03', [80, 82])
    const change = () => featureAt(macro, 'brent_change_1d', '2024-02-01T13:05Z')
    const before = change()
    macro.publish({ series: 'brent', date: '2024-01-03', value: 82 })
    expect([before, change()]).toEqual([0.02499999999999991, 0])
  })

  test('gives the same features in whatever order values arrive', () => {
    const values = demoMacro()
    const [forwards, backwards] = [values, values.toReversed()].map((order) => {
      const macro = new MacroTimeline(contract, calendar)
      for (const value of order) macro.publish(value)
      return ['2020-01-15', '2022-07-07', '2025-06-27'].map((day) =>
        macro.viewAt(Date.parse(`${day}T15:00Z`)),
      )
    })
    expect(backwards).toEqual(forwards)
  })

  test.for([
    { name: 'an unknown series', value: { series: 'gold', date: '2024-01-03', value: 1 } },
    { name: 'a day that is none', value: { series: 'dxy', date: '2024-02-30', value: 1 } },
    { name: 'no number', value: { series: 'dxy', date: '2024-01-03', value: Number.NaN } },
  ])('refuses $name', ({ value }) => {
    const macro = new MacroTimeline(contract, calendar)
    expect(() => macro.publish(value)).toThrow(expect.objectContaining({ code: 'macro_invalid' }))
  })
})
