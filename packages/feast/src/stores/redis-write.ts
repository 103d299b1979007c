import type { Redis, Result } from 'ioredis'
import { encodeTimestamp, timestampParts } from '../wire/timestamp.ts'
import { encodeValue } from '../wire/value.ts'
import type { OnlineRow, OnlineStore, WriteOutcome } from './online-store.ts'
import { execute } from './redis-pipeline.ts'
import { featureField, redisKey, timestampField } from './redis-rows.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    writeOnlineRow(key: Buffer, ...args: (Buffer | number)[]): Result<number, Context>
  }
}

/** The writing half of the Redis store: one script a row, all rows in one pipeline. */
export function createRedisWriter(client: Redis, project: string): Pick<OnlineStore, 'write'> {
  const suffix = Buffer.from(project, 'utf8')
  client.defineCommand('writeOnlineRow', { numberOfKeys: 1, lua: WRITE_ROW_LUA })
  return {
    async write(view, rows, signal) {
      const pipeline = client.pipeline()
      for (const row of rows)
        pipeline.writeOnlineRow(redisKey(row.entityKey, suffix), ...writeRowArguments(view, row))
      const written = await execute(pipeline, signal)
      return written.map((flag): WriteOutcome => (flag === 1 ? 'written' : 'older'))
    },
  }
}

/**
 * Writes a row unless the stored one is as new. Feast reads, compares and writes in three steps, so
 * that an older row can win a race; a script cannot be interrupted. Seconds may be negative: a ten
 * byte varint, put together from halves because Lua's numbers are doubles.
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
function writeRowArguments(view: string, row: OnlineRow): (Buffer | number)[] {
  const parts = timestampParts(row.eventTimestamp)
  const fields = [...row.values].flatMap(([feature, value]) => [
    featureField(view, feature),
    encodeValue(value),
  ])
  return [timestampField(view), encodeTimestamp(parts), parts.seconds, parts.nanos, ...fields]
}
