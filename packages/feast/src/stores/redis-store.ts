import { Redis } from 'ioredis'
import type { OnlineStore } from './online-store.ts'
import { plainHashes } from './plain-hashes.ts'
import { forgetCommand, unavailable } from './redis-pipeline.ts'
import { createRedisReader } from './redis-read.ts'
import { createRedisWriter } from './redis-write.ts'
import { untilAborted } from './until-aborted.ts'

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

/** The online store in one Redis node, in Feast's own layout. Closing it leaves the client open. */
export function createRedisStore(client: Redis, project: string): OnlineStore {
  return {
    ...createRedisReader(plainHashes(client, Buffer.from(project, 'utf8'))),
    ...createRedisWriter(client, project),

    async ping(signal) {
      await untilAborted(client.ping(), signal).catch((cause: unknown) =>
        unavailable(cause, signal),
      )
    },

    async close() {},
  }
}
