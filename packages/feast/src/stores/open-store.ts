import { ServiceError } from '@usdcop/service/errors'
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
 * @throws ServiceError `config_invalid` naming a variable that a node is read from and that is not set
 */
export function openOnlineStore(
  config: OnlineStoreConfig,
  project: string,
  { onError, lane = true }: OpenStoreOptions,
): OpenStore {
  if (config.type === 'lmdb') return openLmdbStore(config.path, project)
  assertFilledIn(config)
  const client = connect(config, onError)
  return {
    ...createRedisStore(client, project, { ...config, lane, onLaneError: onError }),
    ...createRedisEraser(client, project),
    async close() {
      client.disconnect()
    },
  }
}

/** `feature_store.yaml` keeps what it could not fill in, as Feast's does; no host has such a name. */
function assertFilledIn({ nodes }: RedisConfig): void {
  for (const { host } of nodes) {
    const variable = /\$\{?(\w+)/.exec(host)?.[1]
    if (variable !== undefined)
      throw new ServiceError(
        'config_invalid',
        `online_store.connection_string: the environment has no ${variable}`,
      )
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
