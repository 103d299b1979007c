import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFloat, jsonValue } from '../../src/wire/json-text.ts'
import { decodeValue, encodeValue } from '../../src/wire/value.ts'
import type { Scalar, Value, ValueMap } from '../../src/wire/value-types.ts'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const text = fc.string({ unit: 'grapheme' })
const items: { [K in Scalar['type']]: fc.Arbitrary<unknown> } = {
  BYTES: fc.uint8Array(),
  STRING: text,
  INT32: fc.integer(),
  INT64: int64,
  DOUBLE: fc.double(),
  FLOAT: fc.float(),
  BOOL: fc.boolean(),
  UNIX_TIMESTAMP: int64,
  JSON: fc.json(),
  UUID: fc.uuid(),
  TIME_UUID: fc.uuid({ version: 1 }),
  DECIMAL: fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
}
const values = fc.letrec<{ value: Value; map: ValueMap }>((tie) => {
  const typed = <T extends string>(types: readonly T[], value: fc.Arbitrary<unknown>) =>
    types.map((type) => value.map((each) => ({ type, value: each }) as unknown as Value))
  const key = fc.integer().map((value) => ({ type: 'INT32', value }))
  return {
    map: fc.array(fc.tuple(text, tie('value')), { maxLength: 2 }).map((pairs) => new Map(pairs)),
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      ...Object.entries(items).flatMap(([type, item]) => [
        ...typed([type], item),
        ...typed([`${type}_LIST`], fc.array(item)),
        ...typed(type === 'JSON' ? [] : [`${type}_SET`], fc.array(item)),
      ]),
      ...typed(
        ['ZONED_TIMESTAMP'],
        fc.record({ seconds: int64, zone: fc.constantFrom('', 'UTC-05:00') }),
      ),
      ...typed(['MAP', 'STRUCT'], tie('map')),
      ...typed(['MAP_LIST', 'STRUCT_LIST'], fc.array(tie('map'), { maxLength: 2 })),
      ...typed(['VALUE_LIST', 'VALUE_SET'], fc.array(tie('value'), { maxLength: 2 })),
      ...typed(['SCALAR_MAP'], fc.array(fc.record({ key, value: tie('value') }), { maxLength: 2 })),
    ),
  }
}).value

/** Buffers and arrays of bytes compare as the same bytes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (value instanceof Map) return [...value].map(plain)
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}

test('reads back any value it wrote', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(plain(decodeValue(encodeValue(value)))).toEqual(plain(value))
    }),
  )
})

test('prints any value as JSON that a parser takes', () => {
  fc.assert(
    fc.property(values, (value) => {
      expect(() => JSON.parse(jsonValue(value))).not.toThrow()
    }),
  )
})

test('prints any finite float so that it reads back exactly and as a float', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const text = jsonFloat(value)
      expect(text).toMatch(/[.e]/)
      expect(Object.is(Number(text), value)).toBe(true)
    }),
  )
})

test('reads lists whose numbers are not packed', () => {
  // int64_list { val: 1, val: 2 }, one tag each.
  expect(decodeValue(Buffer.from('720408010802', 'hex'))).toEqual({
    type: 'INT64_LIST',
    value: [1n, 2n],
  })
})

test('takes the last of several fields, as protobuf does', () => {
  const twice = Buffer.concat([
    encodeValue({ type: 'INT64', value: 1n }),
    encodeValue({ type: 'STRING', value: 'last' }),
  ])
  expect(decodeValue(twice)).toEqual({ type: 'STRING', value: 'last' })
})

test('keeps its bytes when the buffer they came from is used again', () => {
  const stored = encodeValue({ type: 'BYTES', value: Buffer.from('abc') })
  const value = decodeValue(stored)
  stored.fill(0)
  expect(plain(value)).toEqual({ type: 'BYTES', value: [...Buffer.from('abc')] })
})

test.for([
  { name: 'a field that is no type', hex: '9a0300' },
  { name: 'a cut double', hex: '290000' },
  { name: 'a cut string', hex: '120561' },
  { name: 'an endless varint', hex: '20ffffffffffffffffffffff01' },
])('refuses $name', ({ hex }) => {
  expect(() => decodeValue(Buffer.from(hex, 'hex'))).toThrow(
    expect.objectContaining({ code: 'internal' }),
  )
})
