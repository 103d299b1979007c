import { murmur3 } from '../wire/murmur3.ts'
import { decodeTimestamp, encodeTimestamp, timestampParts } from '../wire/timestamp.ts'
import { decodeValue, encodeValue } from '../wire/value.ts'
import type { OnlineRow, StoredRow } from './online-store.ts'

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

/**
 * Writes a row unless the stored one is as new. Feast reads, compares and writes in three steps, so
 * that an older row can win a race; a script cannot be interrupted. Seconds may be negative: a ten
 * byte varint, put together from halves because Lua's numbers are doubles.
 */
export const WRITE_ROW_LUA = `
local function varint(bytes, at)
  local low, high, scale, groups = 0, 0, 1, 0
  while true do
    local byte = string.byte(bytes, at + groups)
    if groups == 4 then scale = 1 end
    if groups < 4 then low = low + (byte % 128) * scale else high = high + (byte % 128) * scale end
    scale = scale * 128
    groups = groups + 1
    if byte < 128 then break end
  end
  if groups == 10 then high = high - 68719476736 end
  return high * 268435456 + low, at + groups
end
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored then
  local seconds, nanos, at = 0, 0, 1
  while at <= #stored do
    local tag = string.byte(stored, at)
    local value
    value, at = varint(stored, at + 1)
    if tag == 8 then seconds = value elseif tag == 16 then nanos = value end
  end
  local newSeconds, newNanos = tonumber(ARGV[3]), tonumber(ARGV[4])
  if newSeconds < seconds or (newSeconds == seconds and newNanos <= nanos) then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 5))
return 1
`

/** The arguments of `WRITE_ROW_LUA` for one row. */
export function writeRowArguments(view: string, row: OnlineRow): (Buffer | number)[] {
  const parts = timestampParts(row.eventTimestamp)
  const fields = [...row.values].flatMap(([feature, value]) => [
    featureField(view, feature),
    encodeValue(value),
  ])
  return [timestampField(view), encodeTimestamp(parts), parts.seconds, parts.nanos, ...fields]
}
