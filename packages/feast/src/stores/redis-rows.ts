import { murmur3 } from '../wire/murmur3.ts'
import { decodeTimestamp } from '../wire/timestamp.ts'
import { decodeValue } from '../wire/value.ts'
import type { StoredRow } from './online-store.ts'

/** The number that stands for a feature in Feast's Redis hashes. */
export function featureId(view: string, feature: string): number {
  return murmur3(Buffer.from(`${view}:${feature}`, 'utf8'))
}

/** The hash field of one feature: its number, little-endian. */
export function featureField(view: string, feature: string): Buffer {
  const field = Buffer.allocUnsafe(4)
  field.writeUInt32LE(featureId(view, feature))
  return field
}

/** The hash field that holds a view's event time. */
export function timestampField(view: string): Buffer {
  return Buffer.from(`_ts:${view}`, 'utf8')
}

/** Feast's Redis key: the entity key with the project behind it, nothing in between. */
export function redisKey(entityKey: Buffer, project: Buffer): Buffer {
  return Buffer.concat([entityKey, project])
}

/** The fields to ask one view's row for: its features, then its event time. */
export function fieldsOf(view: string, features: readonly string[]): readonly Buffer[] {
  return [...features.map((feature) => featureField(view, feature)), timestampField(view)]
}

/**
 * One view's row from the reply to `fieldsOf`. A row with no field at all does not exist; one without
 * an event time is as old as the epoch, as in Feast.
 */
export function rowFrom(cells: readonly (Buffer | null)[]): StoredRow | undefined {
  if (cells.every((cell) => cell === null)) return undefined
  const time = cells.at(-1)
  return {
    eventTimestamp: time === null || time === undefined ? 0 : decodeTimestamp(time),
    values: cells.slice(0, -1).map((cell) => (cell === null ? undefined : decodeValue(cell))),
  }
}
