import { Redis, type RedisOptions } from 'ioredis'
import type { RedisConfig } from '../config/repo-config.ts'
import type { RedisClient } from './redis-batch.ts'
import { forgetCommand } from './redis-pipeline.ts'

const COMMAND_TIMEOUT_MS = 2_000
/** Also bounds how long after its return a server is missed. */
const LONGEST_PAUSE_MS = 500

export type OnError = (error: Error) => void

export function retryDelay(attempt: number): number {
  return Math.min(50 * 2 ** attempt, LONGEST_PAUSE_MS)
}

/**
 * A connection that fails at once while the server is away, and comes back by itself. Nothing is
 * queued: a caller who waits for a dead store holds a request that nobody wants any more.
 */
export const NODE_OPTIONS = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: COMMAND_TIMEOUT_MS,
  retryStrategy: retryDelay,
  // A master that became a replica goes on taking connections, but no writes.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
} satisfies RedisOptions

/** Connects to the one node of `feature_store.yaml`; no error tells the password. */
export function connectNode(config: RedisConfig, onError: OnError): Redis {
  const [node] = config.nodes
  const address = { host: node?.host ?? 'localhost', port: node?.port ?? 6379 }
  const client = new Redis({
    ...NODE_OPTIONS,
    ...address,
    ...signInOptions(config),
    db: config.database,
  })
  tellErrors(client, onError)
  return client
}

/** What each data node is told, in every kind of set-up. */
export function signInOptions({ username, password, tls }: RedisConfig) {
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls && { tls: {} }),
  }
}

export function tellErrors(client: RedisClient, onError: OnError): void {
  client.on('error', (error: Error) => {
    forgetCommand(error)
    onError(error)
  })
}
