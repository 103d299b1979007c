import { readFile } from 'node:fs/promises'
import { ServiceError } from '@usdcop/service/errors'
import pg from 'pg'
import type { PostgresConnection, Tls, Way } from '../../config/postgres-url.ts'
import { untilAborted } from '../../stores/until-aborted.ts'

const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 30_000
/** One for who follows the registry, one for who writes it. */
const MAX_CONNECTIONS = 2

export type Query = <R>(sql: string, params?: readonly unknown[]) => Promise<readonly R[]>

export interface SqlConnection {
  /**
   * Lends one connection; an abort, or an error, throws it away.
   * @throws ServiceError `store_unavailable`, `config_invalid` where a table is missing
   */
  use<T>(work: (query: Query) => Promise<T>, signal: AbortSignal): Promise<T>
  /** The same between `begin` and `commit`. */
  transaction<T>(work: (query: Query) => Promise<T>, signal: AbortSignal): Promise<T>
  close(): Promise<void>
}

/** Connects when it is first used, and anew after a break. */
export function openConnection(connection: PostgresConnection): SqlConnection {
  let opened: Promise<pg.Pool> | undefined

  async function pool(): Promise<pg.Pool> {
    const opening = (opened ??= openPool(connection))
    try {
      return await opening
    } catch (error) {
      forget(opening)
      throw error
    }
  }

  /** Whoever comes next looks anew how the server is spoken to. */
  function forget(opening: Promise<pg.Pool> | undefined): void {
    if (opened === opening) opened = undefined
  }

  async function connected(signal: AbortSignal): Promise<pg.PoolClient> {
    const lender = await untilAborted(pool(), signal)
    const opening = opened
    try {
      return await connect(lender, signal)
    } catch (error) {
      if (connection.ways.length > 1 && !signal.aborted) {
        forget(opening)
        await lender.end()
      }
      throw error
    }
  }

  async function use<T>(work: (query: Query) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    try {
      return await lend(await connected(signal), work, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw translated(error, connection)
    }
  }

  return {
    use,
    transaction: async (work, signal) =>
      await use(async (query) => {
        await query('begin')
        const result = await work(query)
        signal.throwIfAborted()
        await query('commit')
        return result
      }, signal),
    close: async () => {
      await (await opened)?.end()
    },
  }
}

async function connect(pool: pg.Pool, signal: AbortSignal): Promise<pg.PoolClient> {
  const connecting = pool.connect()
  try {
    return await untilAborted(connecting, signal)
  } catch (error) {
    // A connection that comes too late is not kept.
    if (signal.aborted)
      void connecting.then(
        (client) => client.release(true),
        () => {},
      )
    throw error
  }
}

async function lend<T>(
  client: pg.PoolClient,
  work: (query: Query) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const onError = () => {}
  const onAbort = () => void client.end()
  // What breaks it off is told by the query that waits.
  client.on('error', onError)
  signal.addEventListener('abort', onAbort, { once: true })
  let done = false
  try {
    const result = await work(async <R>(sql: string, params: readonly unknown[] = []) => {
      signal.throwIfAborted()
      // Several statements in one text take no parameters.
      const answer = params.length === 0 ? client.query(sql) : client.query(sql, [...params])
      return (await answer).rows as R[]
    })
    done = true
    return result
  } finally {
    signal.removeEventListener('abort', onAbort)
    client.off('error', onError)
    client.release(!done || signal.aborted)
  }
}

/** Of two ways to speak to a server the first that it takes. */
async function openPool(connection: PostgresConnection): Promise<pg.Pool> {
  const [first, second] = connection.ways
  const pool = await poolOf(connection, first)
  if (second === undefined) return pool
  try {
    const client = await pool.connect()
    client.release()
    return pool
  } catch {
    // What is wrong beside that, the other way comes upon, too.
    await pool.end()
    return await poolOf(connection, second)
  }
}

async function poolOf(connection: PostgresConnection, way: Way): Promise<pg.Pool> {
  const { ways: _ways, options, ...server } = connection
  const pool = new pg.Pool({
    ...withoutUndefined(server),
    ...(options !== undefined && { options }),
    ...(way !== 'plain' && { ssl: await tlsOptions(way) }),
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    application_name: 'usdcop',
    keepAlive: true,
  })
  // An idle connection that breaks is dropped by the pool; unheard, its error would end the process.
  pool.on('error', () => {})
  return pool
}

function withoutUndefined(server: object): object {
  return Object.fromEntries(Object.entries(server).filter(([, value]) => value !== undefined))
}

async function tlsOptions({
  verify,
  caPath,
  certPath,
  keyPath,
}: Tls): Promise<NonNullable<pg.PoolConfig['ssl']>> {
  return {
    rejectUnauthorized: verify !== 'nothing',
    ...(verify === 'chain' && { checkServerIdentity: () => undefined }),
    ...(caPath !== undefined && { ca: await readPem(caPath) }),
    ...(certPath !== undefined && { cert: await readPem(certPath) }),
    ...(keyPath !== undefined && { key: await readPem(keyPath) }),
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ServiceError('config_invalid', `${path} cannot be read`, { cause: error })
  }
}

const UNDEFINED_TABLE = '42P01'

/** One and the same text while a server is away, whatever the driver has to say each time. */
function translated(error: unknown, connection: PostgresConnection): unknown {
  if (error instanceof ServiceError) return error
  const { host = 'localhost', port = 5_432, database = '' } = connection
  const where = `${host}:${port}/${database}`
  if ((error as { readonly code?: unknown }).code === UNDEFINED_TABLE)
    return new ServiceError(
      'config_invalid',
      `there is no registry, or an old one, in the database ${where}: \`apply\` makes its tables`,
      { cause: error },
    )
  return new ServiceError('store_unavailable', `the registry in ${where} cannot be used`, {
    cause: error,
  })
}
