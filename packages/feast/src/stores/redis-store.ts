import { ServiceError } from '@usdcop/service/errors'
import { type ChainableCommander, Redis, type Result } from 'ioredis'
import type { OnlineStore, StoredRow, ViewRead, WriteOutcome } from './online-store.ts'
import { fieldsOf, redisKey, rowFrom, WRITE_ROW_LUA, writeRowArguments } from './redis-rows.ts'
import { untilAborted } from './until-aborted.ts'

declare module 'ioredis' {
  interface RedisCommander<Context> {
    writeOnlineRow(key: Buffer, ...args: (Buffer | number)[]): Result<number, Context>
  }
}

const COMMAND_TIMEOUT_MS = 2_000

/**
 * A connection that fails at once while the server is away, and comes back by itself. Nothing is
 * queued: a caller who waits for a dead store holds a request that nobody wants any more.
 *
 * @param url may hold a user and a password; no error tells them
 */
export function connectRedis(url: string, onError: (error: Error) => void): Redis {
  const client = new Redis(url, {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 2_000),
  })
  client.on('error', (error) => {
    forgetCommand(error)
    onError(error)
  })
  return client
}

/** ioredis hangs the command on an error: a password where it was HELLO, a row where it was a write. */
function forgetCommand(error: unknown): void {
  if (error instanceof Error) Reflect.deleteProperty(error, 'command')
}

/** The online store in one Redis node, in Feast's own layout. Closing it leaves the client open. */
export function createRedisStore(client: Redis, project: string): OnlineStore {
  const suffix = Buffer.from(project, 'utf8')
  const fields = createFieldCache()
  client.defineCommand('writeOnlineRow', { numberOfKeys: 1, lua: WRITE_ROW_LUA })

  return {
    async read(reads, signal) {
      const pipeline = client.pipeline()
      const groups = [...groupByKeys(reads)]
      for (const [keys, views] of groups) {
        const asked = views.flatMap(({ read }) => fields(read))
        for (const key of keys) pipeline.hmgetBuffer(redisKey(key, suffix), ...asked)
      }
      const replies = (await execute(pipeline, signal)) as (Buffer | null)[][]
      const rows: (StoredRow | undefined)[][] = reads.map(() => [])
      let next = 0
      for (const [keys, views] of groups) {
        for (const _key of keys) {
          const cells = replies[next++] ?? []
          let start = 0
          for (const { read, index } of views) {
            const end = start + read.features.length + 1
            rows[index]?.push(rowFrom(cells.slice(start, end)))
            start = end
          }
        }
      }
      return rows
    },

    async write(view, rows, signal) {
      const pipeline = client.pipeline()
      for (const row of rows)
        pipeline.writeOnlineRow(redisKey(row.entityKey, suffix), ...writeRowArguments(view, row))
      const written = await execute(pipeline, signal)
      return written.map((flag): WriteOutcome => (flag === 1 ? 'written' : 'older'))
    },

    async ping(signal) {
      await untilAborted(client.ping(), signal).catch((cause: unknown) =>
        unavailable(cause, signal),
      )
    },

    async close() {},
  }
}

/** Views of the same entities share a hash, so one HMGET an entity serves them all. */
function groupByKeys(
  reads: readonly ViewRead[],
): Map<readonly Buffer[], { read: ViewRead; index: number }[]> {
  const groups = new Map<readonly Buffer[], { read: ViewRead; index: number }[]>()
  for (const [index, read] of reads.entries()) {
    const group = groups.get(read.keys)
    if (group === undefined) groups.set(read.keys, [{ read, index }])
    else group.push({ read, index })
  }
  return groups
}

/** Plans are cached and keep their feature lists, so the list itself names its fields. */
function createFieldCache(): (read: ViewRead) => readonly Buffer[] {
  const cache = new WeakMap<readonly string[], { view: string; fields: readonly Buffer[] }>()
  return ({ view, features }) => {
    const known = cache.get(features)
    if (known?.view === view) return known.fields
    const fields = fieldsOf(view, features)
    cache.set(features, { view, fields })
    return fields
  }
}

async function execute(pipeline: ChainableCommander, signal: AbortSignal): Promise<unknown[]> {
  signal.throwIfAborted()
  const replies = await untilAborted(pipeline.exec(), signal).catch((cause: unknown) =>
    unavailable(cause, signal),
  )
  return (replies ?? []).map(([error, reply]) =>
    error === null ? reply : unavailable(error, signal),
  )
}

function unavailable(cause: unknown, signal: AbortSignal): never {
  if (signal.aborted) throw signal.reason
  forgetCommand(cause)
  throw new ServiceError('store_unavailable', 'the online store does not answer', { cause })
}
