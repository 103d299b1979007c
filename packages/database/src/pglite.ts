import { PGlite, type Transaction as PgliteTransaction } from '@electric-sql/pglite'
import { ServiceError } from '@usdcop/service/errors'
import type { Database, Queryable, Transaction } from './database.ts'
import { DurableNodeFs } from './durable-node-fs.ts'
import { beginFilling } from './fresh-directory.ts'
import { fromSql } from './sql-errors.ts'
import { loadTemplate } from './template.ts'
import { PARSERS, wireParams } from './wire-types.ts'

/** PGlite's own parameters switch fsync off with `-F`; ours keep it on, by the one call that works. */
const START_PARAMS = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  '-c',
  'wal_sync_method=fsync',
]

/** Text parameters go out as they are; see `encode.ts`. */
const OPTIONS = { parsers: Object.fromEntries(PARSERS), relaxedDurability: false }

/**
 * Opens the embedded database in a directory, making it on first use, or in memory where `directory` is `memory`.
 * The directory must have one owner: see `lockDirectory` of the service package.
 *
 * PGlite runs a statement to its end on this thread: a signal is looked at before each statement,
 * and there is no statement timeout. Throws `store_unavailable` when the directory cannot be used.
 */
export async function openPglite(directory: string, signal: AbortSignal): Promise<Database> {
  signal.throwIfAborted()
  try {
    const pg = directory === 'memory' ? await openMemory() : await openDirectory(directory)
    return pgliteDatabase(pg)
  } catch (error) {
    throw new ServiceError('store_unavailable', `no database can be opened in ${directory}`, {
      cause: error,
    })
  }
}

async function openMemory(): Promise<PGlite> {
  return await PGlite.create({ ...OPTIONS, loadDataDir: await loadTemplate() })
}

async function openDirectory(directory: string): Promise<PGlite> {
  const settle = await beginFilling(directory, 'PG_VERSION')
  const pg = await PGlite.create({
    ...OPTIONS,
    fs: new DurableNodeFs(directory),
    startParams: START_PARAMS,
    ...(settle && { loadDataDir: await loadTemplate() }),
  })
  await settle?.()
  return pg
}

function pgliteDatabase(pg: PGlite): Database {
  return {
    ...queryable(pg, pg),
    transaction: async (work, signal) => {
      mayRun(pg, signal)
      try {
        return await pg.transaction(async (tx) => await work(transactionOn(pg, tx)))
      } catch (error) {
        throw fromSql(error)
      }
    },
    listen: async (channel, onNotify, signal) => {
      mayRun(pg, signal)
      const unlisten = await pg.listen(channel, onNotify)
      return async () => {
        if (!pg.closed) await unlisten()
      }
    },
    close: async () => {
      if (!pg.closed) await pg.close()
    },
  }
}

const transactionOn = (pg: PGlite, tx: PgliteTransaction): Transaction => ({
  ...queryable(pg, tx),
  script: async (sql, signal) => {
    mayRun(pg, signal)
    await tx.exec(sql)
  },
})

const queryable = (pg: PGlite, on: Pick<PGlite, 'query'>): Queryable => ({
  query: async <R>(sql: string, params: readonly unknown[], signal: AbortSignal) => {
    mayRun(pg, signal)
    try {
      return (await on.query<R>(sql, wireParams(params), QUERY)).rows
    } catch (error) {
      throw fromSql(error)
    }
  },
})

/** Bytes arrive here as text already; PGlite's own serializer would insist on bytes. */
const QUERY = { serializers: { 17: String } }

function mayRun(pg: PGlite, signal: AbortSignal): void {
  signal.throwIfAborted()
  if (pg.closed) throw new ServiceError('store_unavailable', 'the database is closed')
}
