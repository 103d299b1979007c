import { ServiceError } from '@usdcop/service/errors'
import pg from 'pg'
import type { Database, Queryable, Transaction } from './database.ts'
import { createListener } from './postgres-listener.ts'
import { fromSql } from './sql-errors.ts'
import { PARSERS, wireParams } from './wire-types.ts'

const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 8

export interface PostgresOptions {
  readonly url: string
  /** The server ends a statement that runs longer. */
  readonly statementTimeoutMs?: number
}

/**
 * Connects to a PostgreSQL server. A statement ends at the timeout, or when its signal aborts; the
 * connection it ran on is then thrown away. Throws `store_unavailable` when there is no server.
 */
export async function openPostgres(
  { url, statementTimeoutMs = STATEMENT_TIMEOUT_MS }: PostgresOptions,
  signal: AbortSignal,
): Promise<Database> {
  const config: pg.PoolConfig = {
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    application_name: 'usdcop',
    options: '-c timezone=UTC',
    types: { getTypeParser: getTypeParser as typeof pg.types.getTypeParser },
  }
  const pool = new pg.Pool(config)
  // An idle connection that breaks is dropped by the pool; unheard, its error would end the process.
  pool.on('error', () => {})
  const listener = createListener(config)

  const database: Database = {
    query: async (sql, params, signal) =>
      await withClient(
        pool,
        config,
        signal,
        async (client) => await queryable(client).query(sql, params, signal),
      ),
    transaction: async (work, signal) =>
      await withClient(
        pool,
        config,
        signal,
        async (client) => await inTransaction(client, work, signal),
      ),
    listen: listener.listen,
    close: async () => {
      await listener.close()
      if (!pool.ended) await pool.end()
    },
  }
  try {
    await database.query('select 1', [], signal)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  return PARSERS.get(oid) ?? pg.types.getTypeParser(oid, format as 'text')
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

/** Lends one connection, and ends what runs on it when the signal aborts. */
async function withClient<T>(
  pool: pg.Pool,
  config: pg.PoolConfig,
  signal: AbortSignal,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const client = await connect(pool)
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
    client.off('error', onError)
    // A cancellation may strike late: such a connection is not lent again.
    client.release(broken || cancelling !== undefined)
  }
}

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
