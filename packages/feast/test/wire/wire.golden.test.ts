import { readGolden } from '@usdcop/tests/support/feast-golden'
import { expect, test } from 'vitest'
import { featureField, redisKey } from '../../src/stores/redis-rows.ts'
import { type EntityValue, entityKey, singleKeyWriter } from '../../src/wire/entity-key.ts'
import { jsonValue } from '../../src/wire/json-text.ts'
import {
  decodeTimestamp,
  encodeTimestamp,
  formatTimestamp,
  timestampParts,
} from '../../src/wire/timestamp.ts'
import { decodeValue, encodeValue } from '../../src/wire/value.ts'

const golden = readGolden()
const hex = (bytes: Buffer) => bytes.toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

test('the golden file comes from the Feast we are held to', () => {
  expect(golden.feast).toBe('0.67.0')
})

function entityValue(type: EntityValue['type'], text: string): EntityValue {
  if (type === 'STRING') return { type, value: text }
  if (type === 'BYTES') return { type, value: Buffer.from(text, 'base64') }
  return type === 'INT32' ? { type, value: Number(text) } : { type, value: BigInt(text) }
}

test.for(golden.entityKeys)('writes the entity key of $pairs as Feast does', (each) => {
  const pairs = each.pairs.map(
    ({ joinKey, type, value }) => [joinKey, entityValue(type, value)] as const,
  )
  expect(hex(entityKey(pairs))).toBe(each.hex)
  expect(hex(entityKey(pairs.toReversed()))).toBe(each.hex)
  const project = Buffer.from(golden.definitions.project)
  expect(hex(redisKey(entityKey(pairs), project))).toBe(each.redisKey)
})

test.for(golden.entityKeys.filter(({ pairs }) => pairs.length === 1))(
  'writes the single key of $pairs as Feast does',
  ({ pairs: [pair], hex: expected }) => {
    const { joinKey, type, value } = pair as (typeof golden.entityKeys)[number]['pairs'][number]
    expect(hex(singleKeyWriter(joinKey)(entityValue(type, value)))).toBe(expected)
  },
)

test.for(golden.values)('reads, prints and writes the $type $json as Feast does', (each) => {
  const value = decodeValue(bytes(each.hex))
  expect(value?.type ?? null).toBe(each.type)
  expect(jsonValue(value)).toBe(each.json)
  expect(hex(encodeValue(value))).toBe(each.readOnly ? '' : each.hex)
})

test.for(golden.hashFields)('hashes the field $view:$feature as Feast does', (each) => {
  expect(hex(featureField(each.view, each.feature))).toBe(each.hex)
})

test.for(golden.timestamps)('writes, reads and prints the instant $text as Feast does', (each) => {
  const instant = each.micros / 1_000
  expect(hex(encodeTimestamp(timestampParts(instant)))).toBe(each.hex)
  expect(decodeTimestamp(bytes(each.hex))).toBe(instant)
  expect(formatTimestamp(instant)).toBe(each.text)
})
