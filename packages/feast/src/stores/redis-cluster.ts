import { Cluster } from 'ioredis'
import type { RedisConfig } from '../config/repo-config.ts'
import {
  NODE_OPTIONS,
  type OnError,
  retryDelay,
  signInOptions,
  tellErrors,
} from './redis-connection.ts'
import { forgetCommand } from './redis-pipeline.ts'

/** How often the map of slots is read anew, redirections or not. */
const SLOTS_REFRESH_MS = 5_000
const RETRY_DELAY_MS = 100

/** A connection to each node of a Redis Cluster. It has database 0 only, as Redis itself. */
export function connectCluster(config: RedisConfig, onError: OnError): Cluster {
  const { retryStrategy: _byCluster, enableOfflineQueue: _whileConnecting, ...node } = NODE_OPTIONS
  const cluster = new Cluster([...config.nodes], {
    enableOfflineQueue: false,
    redisOptions: { ...node, ...signInOptions(config) },
    clusterRetryStrategy: retryDelay,
    slotsRefreshInterval: SLOTS_REFRESH_MS,
    slotsRefreshTimeout: 1_000,
    // A node that left is looked for while the caller waits, but not for long.
    maxRedirections: 5,
    retryDelayOnFailover: RETRY_DELAY_MS,
    retryDelayOnClusterDown: RETRY_DELAY_MS,
    // Certificates name hosts, not the addresses they resolve to.
    ...(config.tls && { dnsLookup: (host, done) => done(null, host) }),
  })
  tellErrors(cluster, (error) => {
    forgetCommand(Reflect.get(error, 'lastNodeError'))
    onError(error)
  })
  cluster.on('node error', (error: Error) => {
    forgetCommand(error)
    onError(error)
  })
  return cluster
}
