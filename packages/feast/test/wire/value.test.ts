import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonFloat, jsonValue } from '../../src/wire/json-text.ts'
import { decodeValue, encodeValue, type Scalar, type Value } from '../../src/wire/value.ts'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const items: { [K in Scalar['type']]: fc.Arbitrary<unknown> } = {
  BYTES: fc.uint8Array(),
  STRING: fc.string({ unit: 'grapheme' }),
  INT32: fc.integer(),
  INT64: int64,
  DOUBLE: fc.double(),
  FLOAT: fc.float(),
  BOOL: fc.boolean(),
  UNIX_TIMESTAMP: int64,
}
const values: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  ...Object.entries(items).flatMap(([type, item]) => [
    item.map((value) => ({ type, value }) as Value),
    fc.array(item).map((value) => ({ type: `${type}_LIST`, value }) as unknown as Value),
  ]),
)

/** Buffers and arrays of bytes compare as the same bytes. */
function plain(value: Value): unknown {
  if (value?.type === 'BYTES') return { ...value, value: [...value.value] }
  if (value?.type === 'BYTES_LIST') return { ...value, value: value.value.map((item) => [...item]) }
  return value
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
  { name: 'a map', hex: 'a20100' },
  { name: 'a cut double', hex: '290000' },
  { name: 'a cut string', hex: '120561' },
  { name: 'an endless varint', hex: '20ffffffffffffffffffffff01' },
])('refuses $name', ({ hex }) => {
  expect(() => decodeValue(Buffer.from(hex, 'hex'))).toThrow(
    expect.objectContaining({ code: 'internal' }),
  )
})
