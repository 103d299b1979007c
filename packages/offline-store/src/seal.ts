import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import type { Dataset } from './datasets.ts'
import { listPartitions, monthOf, partitionFile, SEALING, sessionOf, spanOf } from './layout.ts'
import {
  copyToParquet,
  type Duckdb,
  offlineError,
  openDuckdb,
  quoteName,
  quoteText,
  stageRows,
} from './parquet.ts'

/** A session whose rows stand in a file, as the database records it. */
export interface Seal {
  readonly dataset: string
  readonly session: string
  /** Relative to the store's directory. */
  readonly file: string
  readonly rows: number
}

/**
 * The writing side of the offline store. A directory has one writer: the owner of the data directory.
 *
 * A file appears whole: written elsewhere, fsynced, renamed into its fixed name, its folder fsynced.
 * A crash before the rename leaves nothing; a crash after it, before the caller's commit, leaves a
 * file that the next seal of the same session replaces with the same rows.
 */
export interface OfflineStore extends AsyncDisposable {
  /**
   * Seals one session. A row replaces the sealed one of the same symbol and event time; the others
   * stay, from wherever they came: a back-filled history has rows of which the caller knows nothing.
   */
  seal<Row>(
    dataset: Dataset<Row>,
    session: string,
    rows: readonly Row[],
    signal: AbortSignal,
  ): Promise<Seal>
  /**
   * Seals many whole sessions, in a file a month. A month whose file holds sessions that are not
   * given now keeps it, and the given ones get files of their own.
   */
  sealMany<Row>(
    dataset: Dataset<Row>,
    rows: readonly Row[],
    signal: AbortSignal,
  ): Promise<readonly Seal[]>
}

const STAGE = 'stage'
const DAY_MS = 86_400_000

/** Opens the store for writing, and removes what a crash left unfinished. */
export async function openOfflineStore(
  directory: string,
  signal: AbortSignal,
): Promise<OfflineStore> {
  signal.throwIfAborted()
  const sealing = join(directory, SEALING)
  try {
    await rm(sealing, { recursive: true, force: true })
    await mkdir(sealing, { recursive: true })
    const duckdb = await openDuckdb(sealing)
    return offlineStore(directory, duckdb)
  } catch (error) {
    throw offlineError(`the offline store cannot be opened in ${directory}`, error, signal)
  }
}

function offlineStore(directory: string, duckdb: Duckdb): OfflineStore {
  // One connection, one stage: seals take turns.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = async <T>(dataset: string, signal: AbortSignal, work: () => Promise<T>) => {
    const turn = last.then(async () => {
      signal.throwIfAborted()
      return await work()
    })
    last = turn.catch(() => {})
    try {
      return await turn
    } catch (error) {
      throw offlineError(`${join(directory, dataset)} cannot be sealed`, error, signal)
    }
  }
  return {
    seal: async (dataset, session, rows, signal) =>
      await inTurn(dataset.name, signal, async () => {
        const stray = rows.find((row) => sessionOf(dataset.eventTimestamp(row)) !== session)
        if (stray !== undefined)
          throw new ServiceError('invalid_request', `a row is of another session than ${session}`)
        await stageRows(duckdb.connection, STAGE, dataset, rows, signal)
        const kept = await stageSealed(directory, duckdb, dataset, session)
        await copyPartition(directory, duckdb, dataset.name, session)
        await publish(directory, dataset.name, [session])
        const file = partitionFile(dataset.name, session)
        return { dataset: dataset.name, session, file, rows: rows.length + kept }
      }),

    sealMany: async (dataset, rows, signal) =>
      await inTurn(dataset.name, signal, async () => {
        await stageRows(duckdb.connection, STAGE, dataset, rows, signal)
        const counts = countSessions(dataset, rows)
        const months = Map.groupBy(counts.keys(), monthOf)
        const partitionOf = new Map<string, string>()
        for (const [month, sessions] of months) {
          const whole = await mayReplaceMonth(directory, duckdb, dataset.name, month, sessions)
          for (const session of sessions) partitionOf.set(session, whole ? month : session)
        }
        const partitions = [...new Set(partitionOf.values())]
        for (const partition of partitions) {
          signal.throwIfAborted()
          await copyPartition(directory, duckdb, dataset.name, partition)
        }
        await publish(directory, dataset.name, partitions)
        const moved = [...partitionOf].filter(([session, partition]) => session !== partition)
        await dropSessions(directory, dataset.name, new Set(moved.map(([session]) => session)))
        return [...partitionOf].map(([session, partition]) => ({
          dataset: dataset.name,
          session,
          file: partitionFile(dataset.name, partition),
          rows: counts.get(session) ?? 0,
        }))
      }),

    [Symbol.asyncDispose]: async () => {
      await last
      duckdb[Symbol.dispose]()
    },
  }
}

/** Adds the sealed rows of a session which no staged row replaces; returns how many. */
async function stageSealed(
  directory: string,
  { connection }: Duckdb,
  { name, columns }: Dataset<never>,
  session: string,
): Promise<number> {
  const known = await listPartitions(directory, name)
  const sealed =
    known.find((partition) => partition.name === session) ??
    known.find((partition) => partition.name === monthOf(session))
  if (sealed === undefined) return 0
  const { from, to } = spanOf(session)
  const { rowsChanged } = await connection.run(
    `insert into ${STAGE} by name
     select ${columns.map((column) => quoteName(column.name)).join(', ')}
     from read_parquet(${quoteText(join(directory, sealed.file))}, hive_partitioning = false)
     anti join ${STAGE} using (symbol, event_timestamp)
     where epoch_ms(event_timestamp) >= ${from} and epoch_ms(event_timestamp) < ${to}`,
  )
  return rowsChanged
}

/** False where the month's file holds sessions that are not among the given ones. */
async function mayReplaceMonth(
  directory: string,
  { connection }: Duckdb,
  dataset: string,
  month: string,
  sessions: readonly string[],
): Promise<boolean> {
  const known = await listPartitions(directory, dataset)
  const file = known.find(({ name }) => name === month)?.file
  if (file === undefined) return true
  const held = await connection.runAndReadAll(
    `select distinct epoch_ms(event_timestamp) // ${DAY_MS}
     from read_parquet(${quoteText(join(directory, file))})`,
  )
  const given = new Set(sessions)
  return held.getRows().every(([day]) => given.has(sessionOf(Number(day) * DAY_MS)))
}

const unfinished = (directory: string, dataset: string, partition: string): string =>
  join(directory, SEALING, `${dataset}-${partition}.parquet`)

/** Writes the staged rows of a partition where nobody reads them yet. */
async function copyPartition(
  directory: string,
  { connection }: Duckdb,
  dataset: string,
  partition: string,
): Promise<void> {
  const { from, to } = spanOf(partition)
  await copyToParquet(
    connection,
    `select * from ${STAGE}
     where epoch_ms(event_timestamp) >= ${from} and epoch_ms(event_timestamp) < ${to}
     order by event_timestamp, symbol, created_timestamp`,
    unfinished(directory, dataset, partition),
  )
}

/** Makes written partitions durable and readable, each in one step. */
async function publish(
  directory: string,
  dataset: string,
  partitions: readonly string[],
): Promise<void> {
  if (partitions.length === 0) return
  await Promise.all(
    partitions.map(async (partition) => {
      const written = unfinished(directory, dataset, partition)
      const path = join(directory, partitionFile(dataset, partition))
      await fsyncPath(written)
      await mkdir(dirname(path), { recursive: true })
      await rename(written, path)
      await fsyncPath(dirname(path))
    }),
  )
  await fsyncPath(join(directory, dataset))
  await fsyncPath(directory)
}

/** Removes the sessions' own files once their month's file holds them. */
async function dropSessions(
  directory: string,
  dataset: string,
  moved: ReadonlySet<string>,
): Promise<void> {
  for (const { session, file } of await listPartitions(directory, dataset))
    if (session !== null && moved.has(session))
      await rm(dirname(join(directory, file)), { recursive: true })
}

function countSessions<Row>(dataset: Dataset<Row>, rows: readonly Row[]): Map<string, number> {
  const days = new Map<number, number>()
  for (const row of rows) {
    const day = Math.floor(dataset.eventTimestamp(row) / DAY_MS)
    days.set(day, (days.get(day) ?? 0) + 1)
  }
  return new Map([...days].map(([day, count]) => [sessionOf(day * DAY_MS), count]))
}

async function fsyncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}
