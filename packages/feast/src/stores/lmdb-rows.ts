import { createHash } from 'node:crypto'

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
const PLAIN = 0

/** The key of one row: view, zero byte, entity key. No entity key starts as a hashed one does. */
export type KeyWriter = (view: Buffer, entityKey: Buffer) => Buffer

/** Keys that are looked up at once: the next one of the same length is written over it. */
export function createKeyWriter(): KeyWriter {
  const byLength: Buffer[] = []
  return (view, entityKey) => {
    const length = view.length + 1 + entityKey.length
    if (length > MAX_PLAIN_KEY_BYTES)
      return Buffer.concat([view, HASHED, createHash('sha256').update(entityKey).digest()])
    const key = (byLength[length] ??= Buffer.allocUnsafeSlow(length))
    key.set(view)
    key[view.length] = PLAIN
    key.set(entityKey, view.length + 1)
    return key
  }
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

/**
 * Notes where the features asked for lie in a row, as pairs of start and end from `at` on in `cells`.
 * @param offset where in the buffer the row begins
 */
export function findFields(
  buffer: Buffer,
  offset: number,
  end: number,
  ids: readonly number[],
  cells: Int32Array,
  at: number,
): void {
  cells.fill(-1, at, at + 2 * ids.length)
  let expected = 0
  for (let next = offset + HEAD_BYTES; next < end; ) {
    const id = buffer.readUInt32LE(next)
    const start = next + FIELD_HEAD_BYTES
    next = start + buffer.readUInt32LE(next + 4)
    // Fields are usually asked for in the order they were written.
    const index = ids[expected] === id ? expected : ids.indexOf(id)
    if (index === -1) continue
    cells[at + 2 * index] = start
    cells[at + 2 * index + 1] = next
    expected = index + 1
  }
}
