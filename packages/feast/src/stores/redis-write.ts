import type { Result } from 'ioredis'
import { encodeTimestamp, timestampParts } from '../wire/timestamp.ts'
import { encodeValue } from '../wire/value.ts'
import type { OnlineRow, OnlineStore, WriteOutcome } from './online-store.ts'
import { type BatchCommand, executeBatch, type RedisClient } from './redis-batch.ts'
import { featureField, redisKey, timestampField } from './redis-rows.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    writeOnlineRow(key: Buffer, ...args: (Buffer | number | string)[]): Result<number, Context>
  }
}

export interface WriteOptions {
  /** Each row written gives its whole entity that long to live; a row that lost does not. */
  readonly keyTtlSeconds?: number | undefined
  /** Rows are written as they come, whatever the stored event time. */
  readonly skipDedup?: boolean
}

/** What is under way at once: more rows wait until these are answered. */
const BATCH_ROWS = 1_000
const BATCH_FIELDS = 50_000

/** The writing half of the Redis store: one script a row, a batch of rows in one pipeline a node. */
export function createRedisWriter(
  client: RedisClient,
  project: string,
  options: WriteOptions = {},
): Pick<OnlineStore, 'write'> {
  const suffix = Buffer.from(project, 'utf8')
  client.defineCommand('writeOnlineRow', { numberOfKeys: 1, lua: WRITE_ROW_LUA })
  return {
    async write(view, rows, signal) {
      signal.throwIfAborted()
      const argumentsOf = createArguments(view, options)
      const outcomes: WriteOutcome[] = []
      for (const batch of batches(rows)) {
        const commands = batch.map((row): BatchCommand => {
          const key = redisKey(row.entityKey, suffix)
          const args = argumentsOf(row)
          return { key, issue: (to) => to.writeOnlineRow(key, ...args) }
        })
        for (const flag of await executeBatch(client, commands, signal))
          outcomes.push(flag === 1 ? 'written' : 'older')
      }
      return outcomes
    },
  }
}

function* batches(rows: readonly OnlineRow[]): Generator<readonly OnlineRow[]> {
  let start = 0
  let fields = 0
  for (const [index, { values }] of rows.entries()) {
    fields += values.size
    if (index + 1 - start < BATCH_ROWS && fields < BATCH_FIELDS) continue
    yield rows.slice(start, index + 1)
    start = index + 1
    fields = 0
  }
  if (start < rows.length) yield rows.slice(start)
}

/**
 * Writes a row unless the stored one is as new. Feast reads, compares and writes in three steps, so
 * that an older row can win a race; a script cannot be interrupted. Seconds may be negative: a ten
 * byte varint, put together from halves because Lua's numbers are doubles. Fields go in portions:
 * Lua's stack holds a few thousand. Only the first of them may be refused for want of memory.
 */
const WRITE_ROW_LUA = `
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
local stored = ARGV[3] ~= '' and redis.call('HGET', KEYS[1], ARGV[1])
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
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], unpack(ARGV, 6, math.min(#ARGV, 2005)))
for from = 2006, #ARGV, 2000 do
  redis.call('HSET', KEYS[1], unpack(ARGV, from, math.min(#ARGV, from + 1999)))
end
if ARGV[5] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[5]) end
return 1
`

/** The arguments of `WRITE_ROW_LUA` for rows of one view. */
function createArguments(
  view: string,
  { keyTtlSeconds, skipDedup = false }: WriteOptions,
): (row: OnlineRow) => (Buffer | number | string)[] {
  const time = timestampField(view)
  // 0 is no time to live, as in Feast.
  const expiry = keyTtlSeconds === undefined || keyTtlSeconds === 0 ? '' : keyTtlSeconds
  const fields = new Map<string, Buffer>()
  return ({ eventTimestamp, values }) => {
    const parts = timestampParts(eventTimestamp)
    const args: (Buffer | number | string)[] = [
      time,
      encodeTimestamp(parts),
      ...(skipDedup ? ['', ''] : [parts.seconds, parts.nanos]),
      expiry,
    ]
    for (const [feature, value] of values) {
      const field = fields.get(feature) ?? featureField(view, feature)
      fields.set(feature, field)
      args.push(field, encodeValue(value))
    }
    return args
  }
}
