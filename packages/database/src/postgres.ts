import pg from 'pg'
import type { Database } from './database.ts'
import { createListener } from './postgres-listener.ts'
import { createPool } from './postgres-pool.ts'
import { PARSERS } from './wire-types.ts'

const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 8
/** What still runs when a database is closed, and does not end by itself, is cut. */
const CLOSE_LIMIT_MS = 4_000

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
  options: PostgresOptions,
  signal: AbortSignal,
): Promise<Database> {
  const config = configOf(options)
  const pool = createPool(config)
  const listener = createListener(config)
  const database: Database = {
    query: (sql, params, until) => pool.query(sql, params, until),
    transaction: (work, until) => pool.transaction(work, until),
    listen: listener.listen,
    async close() {
      await listener.close()
      await pool.drain(AbortSignal.timeout(CLOSE_LIMIT_MS))
    },
  }
  try {
    await pool.query('select 1', [], signal)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

export function configOf({
  url,
  statementTimeoutMs = STATEMENT_TIMEOUT_MS,
}: PostgresOptions): pg.PoolConfig {
  return {
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    application_name: 'usdcop',
    options: '-c timezone=UTC',
    types: { getTypeParser: getTypeParser as typeof pg.types.getTypeParser },
  }
}

function getTypeParser(oid: number, format?: 'text' | 'binary'): unknown {
  return PARSERS.get(oid) ?? pg.types.getTypeParser(oid, format as 'text')
}
