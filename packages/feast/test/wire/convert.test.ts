import { expect, test } from 'vitest'
import { convertValue } from '../../src/wire/convert.ts'
import { jsonValue } from '../../src/wire/json-text.ts'
import type { ValueType } from '../../src/wire/value-types.ts'

const deep = (levels: number) =>
  JSON.parse(`${'['.repeat(levels)}1${']'.repeat(levels)}`) as unknown

test.for<[ValueType, unknown, string]>([
  ['STRING_LIST', ['a', null], '["a",""]'],
  ['BOOL_LIST', [true, null], '[true,false]'],
  ['DOUBLE_LIST', [1, null], '[1.0,"NaN"]'],
  ['INT64_SET', [3, 3, 1], '[3,1]'],
  ['STRING_SET', [], '[]'],
  ['JSON', '{"a": 1.0}', '"{\\"a\\": 1.0}"'],
  ['JSON', { a: [1, 'é', null, true, 0.5] }, '"{\\"a\\": [1, \\"\\\\u00e9\\", null, true, 0.5]}"'],
  ['JSON_LIST', ['1', { a: 2 }], '["1","{\\"a\\": 2}"]'],
  ['UUID', '12345678-1234-5678-1234-567812345678', '"12345678-1234-5678-1234-567812345678"'],
  ['DECIMAL', '1.10', '"1.10"'],
  ['DECIMAL_SET', ['1.10', '1.1'], '["1.10","1.1"]'],
  [
    'MAP',
    { a: 1, b: 'x', c: null, d: { e: 0.5 }, f: [1, 2.5] },
    '{"a":1,"b":"x","c":null,"d":{"e":0.5},"f":[1.0,2.5]}',
  ],
  ['MAP', '{"a": 1.0, "b": 9007199254740993}', '{"a":1.0,"b":9007199254740993}'],
  ['STRUCT', { a: true, b: [] }, '{"a":true,"b":[]}'],
  ['MAP_LIST', [{ a: 1 }, '{"b": 2.0}'], '[{"a":1},{"b":2.0}]'],
  ['STRUCT_LIST', '[{"a": [{"b": 1}]}]', '[{"a":[{"b":1}]}]'],
  ['VALUE_LIST', [[1, 2], [], null, ['a'], [[true]]], '[[1,2],null,null,["a"],[[true]]]'],
  ['VALUE_SET', [[0.5]], '[[0.5]]'],
  ['VALUE_LIST', deep(5), '[[[[[1]]]]]'],
  ['ZONED_TIMESTAMP', '2022-01-01T00:00:00-05:00', '"2022-01-01T00:00:00-05:00"'],
  ['ZONED_TIMESTAMP', '2022-01-01T00:00:00Z', '"2022-01-01T00:00:00+00:00"'],
  ['ZONED_TIMESTAMP', '2022-01-01', '"2022-01-01T00:00:00+00:00"'],
])('takes %s %o', ([type, given, text]) => {
  const value = convertValue(type, given)
  expect(value?.type).toBe(type)
  expect(jsonValue(value as NonNullable<typeof value>)).toBe(text)
})

test.for<[ValueType, unknown]>([
  ['INT64_LIST', [1, null]],
  ['STRING_LIST', 'a'],
  ['JSON', '{'],
  ['UUID', 'abc'],
  ['UUID', 5],
  ['DECIMAL', '1,5'],
  ['DECIMAL', 1.5],
  ['BYTES_SET', ['a']],
  ['MAP', 'abc'],
  ['MAP', '[1]'],
  ['MAP', 5],
  ['MAP', { a: [1, 'a'] }],
  ['MAP', { a: '\ud800' }],
  ['MAP', { a: 2n ** 63n }],
  ['MAP_LIST', { a: 1 }],
  ['MAP_LIST', [1]],
  ['STRUCT', [{ a: 1 }]],
  ['VALUE_LIST', [1]],
  ['SCALAR_MAP', { 1: 2 }],
  ['ZONED_TIMESTAMP', 'soon'],
  ['ZONED_TIMESTAMP', 5],
])('refuses %s %o', ([type, given]) => {
  expect(convertValue(type, given)).toBeUndefined()
})

test.for([
  { seconds: 1_640_995_200n, zone: '', text: '2022-01-01T00:00:00+00:00' },
  { seconds: 1_640_995_200n, zone: 'America/Bogota', text: '2021-12-31T19:00:00-05:00' },
  { seconds: 1_656_633_600n, zone: 'Europe/Madrid', text: '2022-07-01T02:00:00+02:00' },
  { seconds: 1_640_995_200n, zone: 'UTC+05:30', text: '2022-01-01T05:30:00+05:30' },
  { seconds: 1_640_995_200n, zone: 'Middle/Earth', text: '2022-01-01T00:00:00+00:00' },
  { seconds: -(2n ** 63n), zone: 'UTC', text: undefined },
  { seconds: 10n ** 15n, zone: 'UTC', text: undefined },
])('prints $seconds in $zone as $text', ({ seconds, zone, text }) => {
  const printed = jsonValue({ type: 'ZONED_TIMESTAMP', value: { seconds, zone } })
  expect(printed).toBe(text === undefined ? 'null' : JSON.stringify(text))
})

test.for<ValueType>(['JSON', 'VALUE_LIST', 'VALUE_SET'])(
  'refuses a %s nested without end',
  (type) => {
    expect(convertValue(type, deep(100_000))).toBeUndefined()
    expect(convertValue('MAP', { a: deep(100_000) })).toBeUndefined()
  },
)
