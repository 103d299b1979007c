import { jsonValue } from '@usdcop/feast/wire/json-text'
import type { Scalar, Value, ValueType } from '@usdcop/feast/wire/value-types'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { valueReader } from '../src/read-value.ts'
import { parseReplyJson } from '../src/reply-json.ts'
import { writeValue } from '../src/write-value.ts'

const read = (type: ValueType | undefined, text: string) => valueReader(type)(parseReplyJson(text))

test.for<[ValueType, string, unknown]>([
  ['DOUBLE', '1.0', 1],
  ['DOUBLE', '-0.0', -0],
  ['DOUBLE', '"NaN"', Number.NaN],
  ['DOUBLE', '"Infinity"', Number.POSITIVE_INFINITY],
  ['FLOAT', '"-Infinity"', Number.NEGATIVE_INFINITY],
  ['DOUBLE', '12345678901234567890', 12345678901234567000],
  ['DOUBLE', '"1.5"', undefined],
  ['DOUBLE', '1e400', undefined],
  ['DOUBLE', 'true', undefined],
  ['INT32', '-2147483648', -2147483648],
  ['INT32', '2147483648', undefined],
  ['INT32', '1.5', undefined],
  ['INT64', '7', 7n],
  ['INT64', '[9223372036854775807]', undefined],
  ['INT64', '7.5', undefined],
  ['INT64', '1e300', undefined],
  ['INT64', '"7"', undefined],
  ['UNIX_TIMESTAMP', '1741015800', 1741015800n],
  ['BOOL', 'true', true],
  ['BOOL', '1', undefined],
  ['STRING', '"NaN"', 'NaN'],
  ['STRING', '7', undefined],
  ['JSON', '"{\\"a\\": 1}"', '{"a": 1}'],
  ['UUID', '"0b6c"', '0b6c'],
  ['DECIMAL', '"1.10"', '1.10'],
  ['BYTES', '"AP8="', Buffer.from([0, 255])],
  ['BYTES', '"AP8"', undefined],
  ['BYTES', '"A-_="', undefined],
  ['INT64_LIST', '[1,9007199254740993]', [1n, 9007199254740993n]],
  ['DOUBLE_LIST', '[0.5,"NaN"]', [0.5, Number.NaN]],
  ['DOUBLE_LIST', '[0.5,null]', undefined],
  ['DOUBLE_LIST', '0.5', undefined],
  ['BYTES_SET', '["AA=="]', [Buffer.from([0])]],
  ['STRING_SET', '["a","b"]', ['a', 'b']],
  [
    'MAP',
    '{"a":{"b":[1,null]},"n":9007199254740993}',
    { a: { b: [1, null] }, n: 9007199254740993n },
  ],
  ['STRUCT', '[]', undefined],
  ['MAP_LIST', '[{"a":1}]', [{ a: 1 }]],
  ['MAP_LIST', '[1]', undefined],
  ['VALUE_LIST', '[[1],null]', [[1], null]],
  ['VALUE_SET', '{}', undefined],
  ['ZONED_TIMESTAMP', '"2025-03-03T10:30:00-05:00"', '2025-03-03T10:30:00-05:00'],
  ['SCALAR_MAP', '{}', undefined],
])('reads as %s the text %s', ([type, text, expected]) => {
  expect(read(type, text)).toEqual(expected)
})

test.for([
  ['9223372036854775807', 9223372036854775807n],
  ['-9223372036854775808', -9223372036854775808n],
  ['9223372036854775808', undefined],
] as const)('reads a 64-bit integer to the digit, and no larger one: %s', ([text, expected]) => {
  const [value] = parseReplyJson(`[${text}]`) as unknown[]
  expect(valueReader('INT64')(value)).toBe(expected)
})

test('leaves what has no declared type as its JSON is', () => {
  expect(
    parseReplyJson('[1, 0.12345678901234568, "a:1234567890123456789", 1234567890123456789]'),
  ).toEqual([1, 0.12345678901234568, 'a:1234567890123456789', 1234567890123456789n])
  expect(read(undefined, '"NaN"')).toBe('NaN')
})

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const scalars: fc.Arbitrary<Scalar> = fc.oneof(
  fc.double().map((value) => ({ type: 'DOUBLE', value }) as const),
  fc.float().map((value) => ({ type: 'FLOAT', value }) as const),
  int64.map((value) => ({ type: 'INT64', value }) as const),
  int64.map((value) => ({ type: 'UNIX_TIMESTAMP', value }) as const),
  fc.integer().map((value) => ({ type: 'INT32', value }) as const),
  fc.boolean().map((value) => ({ type: 'BOOL', value }) as const),
  fc.string({ unit: 'grapheme' }).map((value) => ({ type: 'STRING', value }) as const),
  fc.uint8Array().map((value) => ({ type: 'BYTES', value: Buffer.from(value) }) as const),
)
const values: fc.Arbitrary<NonNullable<Value>> = fc.oneof(
  scalars,
  fc.array(int64).map((value) => ({ type: 'INT64_LIST', value }) as const),
  fc.array(fc.double()).map((value) => ({ type: 'DOUBLE_LIST', value }) as const),
)

test('reads back whatever value a feature server prints', () => {
  fc.assert(
    fc.property(values, (value) => {
      const [told] = parseReplyJson(`[${jsonValue(value)}]`) as unknown[]
      expect(valueReader(value.type)(told)).toEqual(value.value)
    }),
  )
})

test.for<[unknown, ValueType | undefined, string]>([
  [9007199254740993n, 'INT64', '9007199254740993'],
  [-1n, undefined, '-1'],
  [new Date('2025-03-03T15:30:00.999Z'), 'UNIX_TIMESTAMP', '1741015800'],
  [new Date('2025-03-03T15:30:00.999Z'), undefined, '"2025-03-03T15:30:00.999Z"'],
  [[new Date(1_000)], 'UNIX_TIMESTAMP_LIST', '[1]'],
  [{ a: [1n, null, { b: true }] }, 'MAP', '{"a":[1,null,{"b":true}]}'],
  ['"', 'STRING', '"\\""'],
])('writes %o as %s', ([value, type, text]) => {
  expect(JSON.stringify(writeValue(value, type, 'f'))).toBe(text)
})

test.for([
  Number.NaN,
  Number.POSITIVE_INFINITY,
  undefined,
  Buffer.from('a'),
  [Number.NaN],
  () => 0,
])('refuses to write %o, naming the column', (value) => {
  expect(() => writeValue(value, undefined, 'rate')).toThrow(/^rate: .* cannot be sent as JSON$/)
})
