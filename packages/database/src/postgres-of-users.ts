import { ServiceError } from '@usdcop/service/errors'
import type { Database } from './database.ts'
import { configOf, type PostgresOptions } from './postgres.ts'
import { createListener, type PostgresListener } from './postgres-listener.ts'
import { createPool, type PostgresPool } from './postgres-pool.ts'
import { untilUp } from './postgres-start.ts'

/** A database user, whoever makes them. */
export interface DatabaseUser {
  readonly user: string
  /** So that nobody prints it by mistake. */
  readonly password: { reveal(): string }
}

export interface PostgresOfUsers extends Database {
  /**
   * Asks as another user from now on. Its connections are made and proven first, and a server that is away is waited for;
   * what runs as the old user ends in peace, and this resolves once it has, or at the limit. Where it rejects the old user
   * stays in use. One call at a time.
   */
  adopt(user: DatabaseUser, signal: AbortSignal): Promise<void>
}

export interface PostgresOfUsersOptions extends PostgresOptions {
  /** Told why the server is waited for. */
  readonly onWait: (error: ServiceError) => void
  /** The server lets the user in no more: another one is needed. */
  readonly onRefused: () => void
  /** How long what runs as an old user may go on; longer than a statement may take unless given. */
  readonly drainLimitMs?: number
  /** How long whoever meets a refusal waits for the next user; 5 s unless given. */
  readonly nextUserLimitMs?: number
}

const DRAIN_LIMIT_MS = 35_000
const NEXT_USER_LIMIT_MS = 5_000
const CLOSE_LIMIT_MS = 4_000

/**
 * A PostgreSQL server whose user changes under way. Until the first one is adopted everything fails with
 * `store_unavailable`.
 * @param options whose URL names no user
 */
export function createPostgresOfUsers(options: PostgresOfUsersOptions): PostgresOfUsers {
  const { onWait, onRefused, drainLimitMs = DRAIN_LIMIT_MS } = options
  const { nextUserLimitMs = NEXT_USER_LIMIT_MS } = options
  const closing = new AbortController()
  const draining = new Set<Promise<void>>()
  let current: PostgresPool | undefined
  let listener: PostgresListener | undefined

  /** Settles when another user is asked as. */
  let adopted = Promise.withResolvers<void>()

  async function ask<T>(work: (pool: PostgresPool) => Promise<T>, signal: AbortSignal): Promise<T> {
    const pool = current
    if (pool === undefined)
      throw new ServiceError('store_unavailable', 'there is no database user yet')
    try {
      return await work(pool)
    } catch (error) {
      if (!isRefusal(error)) throw error
      // It was refused before it was asked anything, so that the next user may be asked the same.
      const next = adopted.promise
      if (pool === current) {
        onRefused()
        await untilAborted(next, AbortSignal.any([signal, AbortSignal.timeout(nextUserLimitMs)]))
      }
      signal.throwIfAborted()
      if (current === undefined || current === pool) throw error
      return await work(current)
    }
  }

  function drain(pool: PostgresPool, limitMs: number): Promise<void> {
    const limit = AbortSignal.any([AbortSignal.timeout(limitMs), closing.signal])
    const drained = pool.drain(limit)
    draining.add(drained)
    void drained.finally(() => draining.delete(drained))
    return drained
  }

  return {
    query: (sql, params, signal) => ask((pool) => pool.query(sql, params, signal), signal),
    transaction: (work, signal) => ask((pool) => pool.transaction(work, signal), signal),
    async listen(channel, onNotify, signal) {
      if (listener === undefined)
        throw new ServiceError('store_unavailable', 'there is no database user yet')
      return await listener.listen(channel, onNotify, signal)
    },
    async adopt({ user, password }, signal) {
      const url = new URL(options.url)
      url.username = encodeURIComponent(user)
      url.password = encodeURIComponent(password.reveal())
      const config = configOf({ ...options, url: url.href })
      const until = AbortSignal.any([signal, closing.signal])
      const next = createPool(config)
      try {
        await untilUp(() => next.query('select 1', [], until), onWait, until)
        await listener?.move(config)
        until.throwIfAborted()
      } catch (error) {
        await drain(next, 0)
        throw error
      }
      listener ??= createListener(config)
      const old = current
      current = next
      adopted.resolve()
      adopted = Promise.withResolvers()
      if (old !== undefined) await drain(old, drainLimitMs)
    },
    async close() {
      const last = current
      current = undefined
      await listener?.close()
      if (last !== undefined) await last.drain(AbortSignal.timeout(CLOSE_LIMIT_MS))
      closing.abort()
      await Promise.all(draining)
    },
  }
}

/** At the abort it just ends. */
async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>()
  const end = () => aborted.resolve()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  await Promise.race([promise, aborted.promise])
  signal.removeEventListener('abort', end)
}

/** SQLSTATEs of class 28: the user or the password does not hold. */
function isRefusal(error: unknown): boolean {
  const { cause } = error as { readonly cause?: { readonly code?: unknown } }
  return typeof cause?.code === 'string' && cause.code.startsWith('28')
}
