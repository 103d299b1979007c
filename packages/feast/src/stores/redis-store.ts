import { Redis } from 'ioredis'
import type { OnlineStore } from './online-store.ts'
import { plainHashes } from './plain-hashes.ts'
import type { RedisClient } from './redis-batch.ts'
import { NODE_OPTIONS, type OnError, tellErrors } from './redis-connection.ts'
import { unavailable } from './redis-pipeline.ts'
import { createRedisReader } from './redis-read.ts'
import { createRedisWriter, type WriteOptions } from './redis-write.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * The connection that an address names; see `NODE_OPTIONS` for how it behaves.
 *
 * @param url may hold a user and a password; no error tells them
 */
export function connectRedis(url: string, onError: OnError): Redis {
  const client = new Redis(url, NODE_OPTIONS)
  tellErrors(client, onError)
  return client
}

/** The online store in Redis, in Feast's own layout. Closing it leaves the client open. */
export function createRedisStore(
  client: RedisClient,
  project: string,
  options: WriteOptions = {},
): OnlineStore {
  return {
    ...createRedisReader(plainHashes(client, Buffer.from(project, 'utf8'))),
    ...createRedisWriter(client, project, options),

    async ping(signal) {
      await untilAborted(client.ping(), signal).catch((cause: unknown) =>
        unavailable(cause, signal),
      )
    },

    async close() {},
  }
}
