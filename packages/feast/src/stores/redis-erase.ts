import { Redis, type Result } from 'ioredis'
import { type EntityKeyParts, entityKeyParts } from '../wire/entity-key-parts.ts'
import type { Eraser } from './erase.ts'
import { type BatchCommand, executeBatch, type RedisClient } from './redis-batch.ts'
import { unavailable } from './redis-pipeline.ts'
import { featureField, timestampField } from './redis-rows.ts'
import { untilAborted } from './until-aborted.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    eraseOnlineView(key: Buffer, ...args: Buffer[]): Result<number, Context>
  }
}

const SCAN_COUNT = 1_000

/**
 * Erases in Redis. Feast scans for keys that end in the project's name, so that tearing down `prod`
 * takes `preprod` along; here a key counts only where the name is all that follows its entity key.
 */
export function createRedisEraser(client: RedisClient, project: string): Eraser {
  const suffix = Buffer.from(project, 'utf8')
  client.defineCommand('eraseOnlineView', { numberOfKeys: 1, lua: ERASE_VIEW_LUA })

  /** Gives the commands for the keys that fit to the server, page by page, and adds up its counts. */
  async function erase(
    commandFor: (key: Buffer, parts: EntityKeyParts) => BatchCommand | undefined,
    signal: AbortSignal,
  ): Promise<number> {
    let erased = 0
    for await (const keys of scan(client, project, signal)) {
      const commands = keys.flatMap((key) => {
        const parts = entityKeyParts(key)
        if (parts === undefined || !key.subarray(parts.end).equals(suffix)) return []
        return commandFor(key, parts) ?? []
      })
      for (const count of await executeBatch(client, commands, signal)) erased += Number(count)
    }
    return erased
  }

  return {
    deleteProject: (signal) => erase((key) => ({ key, issue: (to) => to.unlink(key) }), signal),

    async deleteView({ view, features, joinKeys }, signal) {
      const fields = features.map((feature) => featureField(view, feature))
      const wanted = joinKeys.toSorted().join('\0')
      return await erase((key, parts) => {
        if (parts.joinKeys.toSorted().join('\0') !== wanted) return undefined
        return { key, issue: (to) => to.eraseOnlineView(key, timestampField(view), ...fields) }
      }, signal)
    },
  }
}

/** Keys that end in the project's name, of every master. */
async function* scan(
  client: RedisClient,
  project: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer[]> {
  const pattern = `*${project.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)}`
  for (const node of client instanceof Redis ? [client] : client.nodes('master')) {
    let cursor = '0'
    do {
      signal.throwIfAborted()
      const page: [Buffer, Buffer[]] = await untilAborted(
        node.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT),
        signal,
      ).catch((cause: unknown) => unavailable(cause, signal))
      yield page[1]
      cursor = page[0].toString()
    } while (cursor !== '0')
  }
}

/**
 * Takes one view out of a hash, and the hash with its last view: what is left of features that were
 * dropped earlier goes then. Feast does it in two steps, and would take along a view written between.
 */
const ERASE_VIEW_LUA = `
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= ARGV[1] and string.sub(field, 1, 4) == '_ts:' then
    for from = 1, #ARGV, 2000 do
      redis.call('HDEL', KEYS[1], unpack(ARGV, from, math.min(#ARGV, from + 1999)))
    end
    return 1
  end
end
redis.call('DEL', KEYS[1])
return 1
`
