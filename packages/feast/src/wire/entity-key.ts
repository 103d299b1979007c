import { ServiceError } from '@usdcop/service/errors'
import { FIELD_OF, type Scalar } from './value-types.ts'

/** The types an entity may have: the only ones Feast can put into a key. */
export const ENTITY_TYPES = ['BYTES', 'STRING', 'INT32', 'INT64', 'UNIX_TIMESTAMP'] as const
export type EntityType = (typeof ENTITY_TYPES)[number]
export type EntityValue = Scalar<EntityType>

/** The join key and the value of Feast's entity-less views. */
export const DUMMY_JOIN_KEY = '__dummy_id'
export const DUMMY_VALUE: EntityValue = { type: 'STRING', value: '' }

/**
 * Feast's entity key, serialization version 3: the count, the join keys in byte order, then their values.
 * The order in which the pairs are given does not matter. The project is not part of it.
 */
export function entityKey(
  pairs: readonly (readonly [joinKey: string, value: EntityValue])[],
): Buffer {
  const sorted = pairs
    .map(([joinKey, value]) => ({ name: Buffer.from(joinKey, 'utf8'), value }))
    .sort((a, b) => a.name.compare(b.name))
  const parts = [uint32(sorted.length)]
  for (const { name } of sorted) parts.push(uint32(FIELD_OF.STRING), uint32(name.length), name)
  for (const { value } of sorted) parts.push(valueBytes(value))
  return Buffer.concat(parts)
}

/**
 * The key of many rows of one view: everything but the value is laid out once.
 * Only for a single join key, which is nearly every view.
 */
export function singleKeyWriter(joinKey: string): (value: EntityValue) => Buffer {
  const name = Buffer.from(joinKey, 'utf8')
  const head = Buffer.concat([uint32(1), uint32(FIELD_OF.STRING), uint32(name.length), name])
  return (value) => valueBytes(value, head)
}

const NOTHING = Buffer.alloc(0)

/** A value as it stands in a key, its type and length before it, behind what comes before. */
function valueBytes({ type, value }: EntityValue, before: Buffer = NOTHING): Buffer {
  const bytes = typeof value === 'string' ? stringBytes(value) : value
  const length = typeof bytes === 'bigint' ? 8 : typeof bytes === 'number' ? 4 : bytes.length
  let at = before.length
  const key = Buffer.allocUnsafe(at + 8 + length)
  key.set(before)
  at = key.writeUInt32LE(FIELD_OF[type], at)
  at = key.writeUInt32LE(length, at)
  if (typeof bytes === 'bigint') key.writeBigInt64LE(bytes, at)
  else if (typeof bytes === 'number') key.writeInt32LE(bytes, at)
  else key.set(bytes, at)
  return key
}

/** A lone surrogate would turn into U+FFFD and so share its key with other broken strings. */
function stringBytes(value: string): Buffer {
  if (!value.isWellFormed())
    throw new ServiceError('invalid_request', 'an entity value is not well-formed Unicode')
  return Buffer.from(value, 'utf8')
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32LE(value)
  return bytes
}
