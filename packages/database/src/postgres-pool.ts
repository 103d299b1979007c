import { ServiceError } from '@usdcop/service/errors'
import pg from 'pg'
import type { Database, Queryable, Transaction } from './database.ts'
import { fromSql } from './sql-errors.ts'
import { wireParams } from './wire-types.ts'

/** The connections of one user. */
export interface PostgresPool extends Pick<Database, 'query' | 'transaction'> {
  /**
   * Ends it once nothing runs on it any more, or at the limit whatever runs: that then fails with `store_unavailable`.
   * For whoever asks it nothing more.
   */
  drain(limit: AbortSignal): Promise<void>
}

export function createPool(config: pg.PoolConfig): PostgresPool {
  const pool = new pg.Pool(config)
  // An idle connection that breaks is dropped by the pool; unheard, its error would end the process.
  pool.on('error', () => {})
  const lent = new Set<pg.PoolClient>()
  let running = 0
  let idle: PromiseWithResolvers<void> | undefined

  /** Counted before it has its connection: a pool that ends gives none to those who wait for one. */
  async function counted<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    running += 1
    try {
      return await withClient(work, signal)
    } finally {
      running -= 1
      if (running === 0) idle?.resolve()
    }
  }

  return {
    query: (sql, params, signal) =>
      counted((client) => queryable(client).query(sql, params, signal), signal),
    transaction: (work, signal) => counted((client) => inTransaction(client, work, signal), signal),
    async drain(limit) {
      if (running > 0) {
        idle = Promise.withResolvers()
        await untilAborted(idle.promise, limit)
      }
      for (const client of lent) socketOf(client).destroy()
      if (pool.ending) return
      // It waits for every connection to be given back, which what was cut off may do late.
      const ended = pool.end()
      if (running === 0) await ended
    },
  }

  /** Lends one connection, and ends what runs on it when the signal aborts. */
  async function withClient<T>(
    work: (client: pg.PoolClient) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted()
    const client = await connect(pool)
    lent.add(client)
    let broken = false
    const onError = () => {
      broken = true
    }
    let cancelling: Promise<void> | undefined
    const onAbort = () => {
      cancelling = cancelQuery(config, client)
    }
    client.on('error', onError)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      return await work(client)
    } catch (error) {
      throw signal.aborted ? signal.reason : broken ? lost(error) : fromSql(error)
    } finally {
      signal.removeEventListener('abort', onAbort)
      await cancelling
      lent.delete(client)
      client.off('error', onError)
      // A cancellation may strike late: such a connection is not lent again.
      client.release(broken || cancelling !== undefined)
    }
  }
}

async function inTransaction<T>(
  client: pg.PoolClient,
  work: (tx: Transaction) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  await client.query('begin')
  try {
    const result = await work({
      ...queryable(client),
      script: async (sql) => {
        await client.query(sql)
      },
    })
    signal.throwIfAborted()
    // The server answers a commit of a failed transaction with ROLLBACK, and calls it a success.
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new Error('the transaction had failed and was rolled back')
    return result
  } catch (error) {
    // After an abort the connection is thrown away, and the server rolls back by itself.
    if (!signal.aborted) await client.query('rollback').catch(() => {})
    throw error
  }
}

const queryable = (client: pg.PoolClient): Queryable => ({
  query: async <R>(sql: string, params: readonly unknown[], signal: AbortSignal) => {
    signal.throwIfAborted()
    try {
      return (await client.query(sql, wireParams(params))).rows as R[]
    } catch (error) {
      throw fromSql(error)
    }
  },
})

/** A server that crashes says nothing, and what the driver says of that has no code. */
function lost(error: unknown): unknown {
  const known = fromSql(error)
  if (known instanceof ServiceError) return known
  return new ServiceError('store_unavailable', 'the connection to the database broke', {
    cause: error,
  })
}

async function connect(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (error) {
    throw new ServiceError('store_unavailable', 'no connection to the database', { cause: error })
  }
}

/** Asks the server, over a connection of its own, to end what `client` is waiting for. */
async function cancelQuery(config: pg.PoolConfig, client: pg.PoolClient): Promise<void> {
  const { processID } = client as unknown as { readonly processID: number }
  const messenger = new pg.Client(config)
  messenger.on('error', () => {})
  try {
    await messenger.connect()
    await messenger.query('select pg_cancel_backend($1)', [processID])
  } catch {
    // No server to ask; then the statement's own connection ends with it.
  } finally {
    await messenger.end()
  }
}

/** node-postgres has no way to end a connection that is in use. */
function socketOf(client: pg.PoolClient): { destroy(): void } {
  return (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } })
    .connection.stream
}

async function untilAborted(work: Promise<void>, limit: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const leave = () => resolve()
  limit.addEventListener('abort', leave, { once: true })
  if (limit.aborted) leave()
  await Promise.race([work, promise])
  limit.removeEventListener('abort', leave)
}
