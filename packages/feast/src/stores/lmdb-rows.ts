import { createHash } from 'node:crypto'
import { decodeValue } from '../wire/value.ts'
import type { StoredRow } from './online-store.ts'

/** Encoded values of one row by feature id (see `featureId`): the same ids as in Redis. */
export interface EncodedRow {
  readonly eventTimestamp: number
  readonly fields: ReadonlyMap<number, Buffer>
}

const HEAD_BYTES = 8
const FIELD_HEAD_BYTES = 8
/** LMDB takes keys of up to 1,978 bytes; a longer one is stored under its hash. */
const MAX_PLAIN_KEY_BYTES = 1_900
const HASHED = Buffer.from([0, 0xff, 0xff, 0xff, 0xff])
const PLAIN = Buffer.from([0])

/** The key of one row: view, zero byte, entity key. No entity key starts as a hashed one does. */
export function lmdbKey(view: Buffer, entityKey: Buffer): Buffer {
  if (view.length + entityKey.length < MAX_PLAIN_KEY_BYTES)
    return Buffer.concat([view, PLAIN, entityKey])
  return Buffer.concat([view, HASHED, createHash('sha256').update(entityKey).digest()])
}

/** Layout: event time (float64), then per field its id, its length and its bytes; all little-endian. */
export function encodeRow({ eventTimestamp, fields }: EncodedRow): Buffer {
  const head = Buffer.allocUnsafe(HEAD_BYTES)
  head.writeDoubleLE(eventTimestamp)
  const parts: Buffer[] = [head]
  for (const [id, bytes] of fields) {
    const fieldHead = Buffer.allocUnsafe(FIELD_HEAD_BYTES)
    fieldHead.writeUInt32LE(id)
    fieldHead.writeUInt32LE(bytes.length, 4)
    parts.push(fieldHead, bytes)
  }
  return Buffer.concat(parts)
}

export function decodeFields(row: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>()
  for (let at = HEAD_BYTES; at < row.length; ) {
    const end = at + FIELD_HEAD_BYTES + row.readUInt32LE(at + 4)
    fields.set(row.readUInt32LE(at), row.subarray(at + FIELD_HEAD_BYTES, end))
    at = end
  }
  return fields
}

export function eventTimestampOf(row: Buffer): number {
  return row.readDoubleLE(0)
}

/** The features asked for, by id; nothing in the result points into `row`. */
export function readRow(row: Buffer, ids: readonly number[]): StoredRow {
  const values: StoredRow['values'][number][] = ids.map(() => undefined)
  let expected = 0
  for (let at = HEAD_BYTES; at < row.length; ) {
    const id = row.readUInt32LE(at)
    const start = at + FIELD_HEAD_BYTES
    at = start + row.readUInt32LE(at + 4)
    // Fields are usually asked for in the order they were written.
    const index = ids[expected] === id ? expected : ids.indexOf(id)
    if (index === -1) continue
    values[index] = decodeValue(row.subarray(start, at))
    expected = index + 1
  }
  return { eventTimestamp: eventTimestampOf(row), values }
}
