import { Redis } from 'ioredis'
import type { RedisConfig } from '../config/repo-config.ts'
import {
  NODE_OPTIONS,
  type OnError,
  retryDelay,
  signInOptions,
  tellErrors,
} from './redis-connection.ts'

/**
 * A connection to whichever node the sentinels call master. As in Feast, user, password and TLS are
 * for the data nodes: the sentinels are asked without.
 */
export function connectSentinel(config: RedisConfig, onError: OnError): Redis {
  const client = new Redis({
    ...NODE_OPTIONS,
    ...signInOptions(config),
    db: config.database,
    sentinels: config.nodes.map(({ host, port }) => ({ host, port })),
    name: config.sentinelMaster,
    role: 'master',
    // Leaves a demoted master when the sentinels say so, and not only at its first refusal.
    failoverDetector: true,
    sentinelCommandTimeout: 1_000,
    sentinelRetryStrategy: retryDelay,
    enableTLSForSentinelMode: config.tls,
  })
  tellErrors(client, onError)
  return client
}
