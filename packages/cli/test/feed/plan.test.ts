import { expect, test } from 'vitest'
import { type FeedPlace, planFeed } from '../../src/feed/plan.ts'
import { at, bar, calendar, value } from './market.ts'

// Thursday, Friday, a weekend and Epiphany, Tuesday; backwards, as no file should be.
const bars = ['2025-01-07T13:00', '2025-01-03T13:05', '2025-01-03T13:00', '2025-01-02T17:55'].map(
  (label) => bar(label),
)
const plan = (place: Partial<FeedPlace>, data: Partial<Parameters<typeof planFeed>[0]> = {}) =>
  planFeed(
    { bars, macro: [], ...data },
    { startsAt: at('2025-01-07T12:50'), historySessions: 1, stored: new Map(), ...place },
    calendar,
  )
const labels = ({ bars: planned }: ReturnType<typeof plan>): string[] =>
  planned.map(({ barTime }) => new Date(barTime).toISOString().slice(0, 16))

test.for([
  { historySessions: 0, from: '2025-01-07', first: '2025-01-07T13:00' },
  { historySessions: 1, from: '2025-01-03', first: '2025-01-03T13:00' },
  { historySessions: 2, from: '2025-01-02', first: '2025-01-02T17:55' },
  { historySessions: 9, from: '2025-01-02', first: '2025-01-02T17:55' },
])('begins $historySessions sessions before the day the market begins', (given) => {
  const made = plan(given)
  expect({ from: made.from, first: labels(made)[0] }).toEqual({
    from: given.from,
    first: given.first,
  })
})

test('sends bars in the order of their closes, each at its close', () => {
  expect(plan({}).bars.map(({ barTime, at: due }) => [due - barTime, due])).toEqual([
    [300_000, at('2025-01-03T13:05')],
    [300_000, at('2025-01-03T13:10')],
    [300_000, at('2025-01-07T13:05')],
  ])
})

test('begins behind the newest bar that is stored, symbol by symbol', () => {
  const other = bar('2025-01-03T13:00', 'EUR/COP')
  const stored = new Map([['USD/COP', at('2025-01-03T13:00')]])
  const made = plan({ stored }, { bars: [...bars, other] })
  expect(made.bars.map(({ symbol, barTime }) => [symbol, barTime])).toEqual([
    ['EUR/COP', at('2025-01-03T13:00')],
    ['USD/COP', at('2025-01-03T13:05')],
    ['USD/COP', at('2025-01-07T13:00')],
  ])
})

test('sends dirty rows along, but for those whose time nobody can read', () => {
  const holiday = bar('2025-01-06T13:00')
  const unreadable = { ...bar('2025-01-03T13:00'), barTime: Number.NaN }
  const made = plan({}, { bars: [unreadable, holiday, ...bars] })
  expect(labels(made)).toEqual([
    '2025-01-03T13:00',
    '2025-01-03T13:05',
    '2025-01-06T13:00',
    '2025-01-07T13:00',
  ])
})

test('sends every macro value at its release', () => {
  const macro = [value('2025-01-03'), value('2019-10-01'), value('2025-01-02')]
  expect(plan({}, { macro }).macro.map(({ date, at: due }) => [date, due])).toEqual([
    ['2019-10-01', at('2019-10-02T12:50')],
    ['2025-01-02', at('2025-01-03T12:50')],
    ['2025-01-03', at('2025-01-07T12:50')],
  ])
})

test('says that a file without a session is no file to feed from', () => {
  expect(() => plan({}, { bars: [bar('2025-01-06T13:00')] })).toThrow(
    expect.objectContaining({ code: 'invalid_request' }),
  )
})
