import { Redis } from 'ioredis'
import type { HashSource } from './hash-source.ts'
import { clusterHashes } from './lane/cluster-hashes.ts'
import { laneHashes } from './lane/lane-hashes.ts'
import type { OnlineStore } from './online-store.ts'
import { plainHashes } from './plain-hashes.ts'
import type { RedisClient } from './redis-batch.ts'
import { NODE_OPTIONS, type OnError, tellErrors } from './redis-connection.ts'
import { unavailable } from './redis-pipeline.ts'
import { createRedisReader } from './redis-read.ts'
import { followSignIn, type RedisSignIn } from './redis-sign-in.ts'
import { createRedisWriter, type WriteOptions } from './redis-write.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * The connection that an address names; see `NODE_OPTIONS` for how it behaves.
 *
 * @param url may hold a user and a password; no error tells them
 * @param signIn in their place, where they may change while connections live
 */
export function connectRedis(url: string, onError: OnError, signIn?: RedisSignIn): Redis {
  const client = new Redis(url, { ...NODE_OPTIONS, lazyConnect: true })
  tellErrors(client, onError)
  if (signIn !== undefined) followSignIn(client, signIn)
  // What it fails with has been told, and it is tried again.
  client.connect().catch(() => {})
  return client
}

export interface RedisStoreOptions extends WriteOptions {
  /** False reads through plain ioredis alone. */
  readonly lane?: boolean
  /** Hears why a read lane was lost while its client is connected: ioredis reads meanwhile. */
  readonly onLaneError?: OnError
}

/** The online store in Redis, in Feast's own layout. Closing it leaves the client open. */
export function createRedisStore(
  client: RedisClient,
  project: string,
  options: RedisStoreOptions = {},
): OnlineStore {
  return {
    ...createRedisReader(sourceOf(client, Buffer.from(project, 'utf8'), options)),
    ...createRedisWriter(client, project, options),

    async ping(signal) {
      await untilAborted(client.ping(), signal).catch((cause: unknown) =>
        unavailable(cause, signal),
      )
    },

    async close() {},
  }
}

/** A read lane beside each connection, or ioredis alone. */
function sourceOf(client: RedisClient, suffix: Buffer, options: RedisStoreOptions): HashSource {
  const { lane = true, onLaneError = () => {} } = options
  const plain = plainHashes(client, suffix)
  if (!lane) return plain
  return client instanceof Redis
    ? laneHashes(client, suffix, plain, onLaneError)
    : clusterHashes(client, suffix, plain, onLaneError)
}
