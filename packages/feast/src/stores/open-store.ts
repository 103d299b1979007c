import type { OnlineStoreConfig, RedisConfig } from '../config/repo-config.ts'
import type { Eraser } from './erase.ts'
import { openLmdbStore } from './lmdb-store.ts'
import type { OnlineStore } from './online-store.ts'
import type { RedisClient } from './redis-batch.ts'
import { connectCluster } from './redis-cluster.ts'
import { connectNode, type OnError } from './redis-connection.ts'
import { createRedisEraser } from './redis-erase.ts'
import { connectSentinel } from './redis-sentinel.ts'
import { createRedisStore } from './redis-store.ts'

/** A store together with the connection it lives on: closing it closes both. */
export type OpenStore = OnlineStore & Eraser

export interface OpenStoreOptions {
  /** Hears of lost and refused connections; no error tells a password. */
  readonly onError: OnError
  /** False reads from Redis through plain ioredis alone. */
  readonly lane?: boolean
}

/**
 * Opens the online store that `feature_store.yaml` names. A Redis need not be there yet: until it is,
 * every call fails at once.
 */
export function openOnlineStore(
  config: OnlineStoreConfig,
  project: string,
  { onError, lane = true }: OpenStoreOptions,
): OpenStore {
  if (config.type === 'lmdb') return openLmdbStore(config.path, project)
  const client = connect(config, onError)
  return {
    ...createRedisStore(client, project, { ...config, lane, onLaneError: onError }),
    ...createRedisEraser(client, project),
    async close() {
      client.disconnect()
    },
  }
}

function connect(config: RedisConfig, onError: OnError): RedisClient {
  switch (config.redisType) {
    case 'redis':
      return connectNode(config, onError)
    case 'redis_cluster':
      return connectCluster(config, onError)
    case 'redis_sentinel':
      return connectSentinel(config, onError)
  }
}
