import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRegistry } from '../../src/registry/registry.ts'
import { makePlan } from '../../src/serving/plan.ts'
import { statusesOf, writeReply } from '../../src/serving/reply.ts'
import { ReplyText } from '../../src/serving/reply-text.ts'
import type { Serving } from '../../src/serving/ttl.ts'
import { jsonValue } from '../../src/wire/json-text.ts'
import { formatTimestamp } from '../../src/wire/timestamp.ts'
import { decodeValue, encodeValue, type Value } from '../../src/wire/value.ts'

const NOW = Date.UTC(2025, 2, 3, 15, 30)
const HALF: Value = { type: 'DOUBLE', value: 0.5 }

/** A reply over one view of one feature and rows of a fixed age under a ttl of a second. */
function replyOf(values: readonly (Value | undefined)[], ageMs: number, serving: Serving) {
  const registry = createRegistry({
    project: 'demo',
    entities: [{ name: 'symbol', joinKey: 'symbol', valueType: 'STRING', tags: {} }],
    views: [
      {
        name: 'bars',
        entities: ['symbol'],
        features: [{ name: 'close', valueType: 'DOUBLE' }],
        ttlMs: 1_000,
        pushSource: undefined,
        tags: {},
      },
    ],
    services: [],
    pushSources: [],
  })
  const plan = makePlan(registry, {
    features: ['bars:close'],
    featureService: undefined,
    fullFeatureNames: false,
  })
  const buffers = values.map((value) => encodeValue(value ?? null))
  const cells = Int32Array.from(
    values.flatMap((value, row) =>
      value === undefined ? [-1, 0] : [0, buffers[row]?.length ?? 0],
    ),
  )
  const times = values.map(() => NOW - ageMs)
  const { body, counts } = writeReply({
    plan,
    rows: { count: values.length, columns: new Map() },
    reads: [{ view: 'bars', features: ['close'], keys: [], keyOfRow: undefined }],
    stored: [{ buffers, cells, first: 0, stride: 2, times }],
    now: NOW,
    serving,
    viewMetadata: false,
  })
  const reply = JSON.parse(body.toString()) as { results: Record<string, unknown[]>[] }
  return { ...reply.results[0], counts: counts.map(statusesOf) }
}

test.for<[string, Serving, Value | undefined, number, string, number | null]>([
  ['a fresh value', 'mark', HALF, 0, 'PRESENT', 0.5],
  ['an old value', 'mark', HALF, 1_001, 'OUTSIDE_MAX_AGE', 0.5],
  ['an old value', 'enforce', HALF, 1_001, 'OUTSIDE_MAX_AGE', null],
  ['an old value', 'strict', HALF, 1_001, 'PRESENT', 0.5],
  ['a null', 'mark', null, 0, 'NULL_VALUE', null],
  ['an old null', 'enforce', null, 1_001, 'NULL_VALUE', null],
  ['a null', 'strict', null, 0, 'PRESENT', null],
  ['a feature never written', 'mark', undefined, 0, 'NOT_FOUND', null],
  ['a feature never written', 'strict', undefined, 0, 'PRESENT', null],
])('tells %s under %s', ([, serving, value, ageMs, status, told]) => {
  expect(replyOf([value, value], ageMs, serving)).toEqual({
    values: [told, told],
    statuses: [status, status],
    event_timestamps: Array.from({ length: 2 }, () => formatTimestamp(NOW - ageMs)),
    counts: [[[status, 2]]],
  })
})

test('tells each row of a column for itself', () => {
  expect(replyOf([HALF, undefined, null, HALF], 0, 'mark')).toMatchObject({
    values: [0.5, null, null, 0.5],
    statuses: ['PRESENT', 'NOT_FOUND', 'NULL_VALUE', 'PRESENT'],
  })
})

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.nat({ max: 2_000_000_000 }).map(BigInt),
  fc.constantFrom(0n, 9n, 10n, 999_999_999n, 1_000_000_000n, 2n ** 49n - 1n, 2n ** 49n),
)
const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  int64.map((value) => ({ type: 'INT64', value }) as const),
  int64.map((value) => ({ type: 'UNIX_TIMESTAMP', value }) as const),
  fc.integer().map((value) => ({ type: 'INT32', value }) as const),
  fc.double().map((value) => ({ type: 'DOUBLE', value }) as const),
  fc.float().map((value) => ({ type: 'FLOAT', value }) as const),
  fc.boolean().map((value) => ({ type: 'BOOL', value }) as const),
  fc.string({ unit: 'binary' }).map((value) => ({ type: 'STRING', value }) as const),
  fc
    .string({ minLength: 120, maxLength: 140 })
    .map((value) => ({ type: 'STRING', value }) as const),
  fc.uint8Array().map((value) => ({ type: 'BYTES', value }) as const),
  fc.array(fc.double()).map((value) => ({ type: 'DOUBLE_LIST', value }) as const),
)

test('prints stored bytes in place as it prints the values they decode to', () => {
  const text = new ReplyText()
  fc.assert(
    fc.property(fc.array(fc.tuple(anyValue, fc.nat(3))), (values) => {
      text.cut(0)
      let expected = ''
      for (const [value, before] of values) {
        const bytes = encodeValue(value)
        const around = Buffer.concat([Buffer.alloc(before, 0x20), bytes, Buffer.alloc(2, 0x20)])
        expect(text.value(around, before, before + bytes.length)).toBe(value !== null)
        expected += jsonValue(decodeValue(bytes))
      }
      expect(text.take().toString()).toBe(expected)
    }),
    { numRuns: 2_000 },
  )
})

test.for([
  '2001',
  '20812005',
  '208100',
  '20010000',
  '2001120161',
  '9a0100',
  '120161120162',
  '1205',
])('reads the bytes %s, a value twice, padded or cut off, as their decoder does', (hex) => {
  const bytes = Buffer.from(hex, 'hex')
  const text = new ReplyText()
  const inPlace = () => {
    text.value(bytes, 0, bytes.length)
    return text.take().toString()
  }
  expect(outcomeOf(inPlace)).toEqual(outcomeOf(() => jsonValue(decodeValue(bytes))))
})

function outcomeOf(print: () => string): { text: string } | { error: string } {
  try {
    return { text: print() }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

test('prints every instant as formatTimestamp does', () => {
  const text = new ReplyText()
  const micros = fc.integer({ min: -62_135_596_800_000_000, max: 7_000_000_000_000_000 })
  const whole = fc.integer({ min: 0, max: 7_000_000_000_000 }).map((ms) => ms * 1_000)
  fc.assert(
    fc.property(fc.oneof(micros, whole), (instant) => {
      text.cut(0)
      text.time(instant / 1_000)
      expect(text.take().toString()).toBe(`"${formatTimestamp(instant / 1_000)}"`)
    }),
    { numRuns: 2_000 },
  )
})

test('keeps what it wrote when its buffer grows', () => {
  const text = new ReplyText()
  text.text('x'.repeat(65_000))
  const { length } = text
  text.text('é'.repeat(4_000_000))
  text.again(0, length)
  expect(text.take().toString()).toBe(
    `${'x'.repeat(65_000)}${'é'.repeat(4_000_000)}${'x'.repeat(65_000)}`,
  )
  text.text('next')
  expect(text.take().toString()).toBe('next')
})

test('writes over a long text only once it has been handed back', () => {
  const text = new ReplyText()
  const long = (letter: string): Buffer => {
    text.text(letter.repeat(20_000))
    const taken = text.take()
    if (typeof taken === 'string') throw new Error('a long text comes as bytes')
    return taken
  }
  const kept = long('a')
  const left = long('b')
  text.recycle(left)
  const third = long('c')
  const fourth = long('d')
  expect(kept.toString()).toBe('a'.repeat(20_000))
  expect(third.toString()).toBe('c'.repeat(20_000))
  expect(fourth.buffer).toBe(left.buffer)
  expect(left.toString()).toBe('d'.repeat(20_000))
})

test.for([
  ['short text of one byte a letter', 'e'.repeat(1_000)],
  ['short text of more', 'é'.repeat(1_000)],
  ['long text', 'é'.repeat(20_000)],
])('hands out %s as it was written, whatever it hands it out as', ([, written = '']) => {
  const text = new ReplyText()
  text.text(written)
  expect(Buffer.from(text.take()).toString('utf8')).toBe(written)
})
