import { describe, expect, test } from 'vitest'
import { parseBar, parseInstant, parseMacroRecord, parseNumber } from '../src/parse.ts'

describe('parseInstant', () => {
  test.for([
    ['2020-01-02 08:00:00+00:00', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02T08:00:00Z', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02T03:00:00-05:00', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02T03:00:00-0500', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02 03:00-05', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02T08:00:00.250Z', '2020-01-02T08:00:00.250Z'],
    ['2020-01-02 08:00:00', '2020-01-02T08:00:00.000Z'],
    ['2020-01-02', '2020-01-02T00:00:00.000Z'],
    [' 2020-01-02T08:00Z ', '2020-01-02T08:00:00.000Z'],
  ] as const)('reads %j', ([text, iso]) => {
    expect(new Date(parseInstant(text)).toISOString()).toBe(iso)
  })

  test.for([
    '',
    'now',
    '2020-02-30 08:00:00Z',
    '2020-01-02 25:00',
    '1577952000',
    '02/01/2020',
    null,
  ])('takes %j for no instant', (text) => {
    expect(parseInstant(text)).toBeNaN()
  })
})

test.for([
  ['3288.0', 3288],
  [' -1e-3 ', -0.001],
  ['.5', 0.5],
  [4, 4],
  ['', Number.NaN],
  ['NaN', Number.NaN],
  ['Infinity', Number.NaN],
  ['0x10', Number.NaN],
  ['1,5', Number.NaN],
  [undefined, Number.NaN],
] as const)('parseNumber reads %j as %d', ([text, number]) => {
  expect(parseNumber(text)).toBe(number)
})

test('parseBar reads a record and leaves the columns it does not need', () => {
  const record = {
    time: '2020-01-02 13:00:00+00:00',
    symbol: 'USD/COP',
    open: '3288.0',
    high: '3288.5',
    low: '3270.26001',
    close: '3271.76001',
    volume: '0',
    source: 'twelvedata',
  }
  expect(parseBar(record)).toEqual({
    symbol: 'USD/COP',
    barTime: Date.UTC(2020, 0, 2, 13),
    open: 3288,
    high: 3288.5,
    low: 3270.26001,
    close: 3271.76001,
  })
})

test('parseBar takes the given symbol where the record has none', () => {
  const { symbol } = parseBar({ time: '2020-01-02T13:00Z' }, 'USD/COP')
  expect(symbol).toBe('USD/COP')
})

test('parseMacroRecord keeps the series asked for that were published', () => {
  const record = {
    date: '2024-01-02',
    dxy: '102.2',
    vix: '',
    embi_col: '280.00',
    wti: '70',
    brent: 'n/a',
  }
  expect(parseMacroRecord(record, ['dxy', 'vix', 'embi', 'brent'])).toEqual([
    { series: 'dxy', date: '2024-01-02', value: 102.2 },
    { series: 'embi', date: '2024-01-02', value: 280 },
  ])
})

test.for([[''], ['2024-02-30'], ['yesterday']])(
  'parseMacroRecord finds nothing in a record dated %j',
  ([date]) => {
    expect(parseMacroRecord({ date, dxy: '102.2' }, ['dxy'])).toEqual([])
  },
)
