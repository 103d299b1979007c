import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  type DuckDBType,
  type DuckDBValue,
  INTEGER,
  TIMESTAMPTZ,
  VARCHAR,
} from '@duckdb/node-api'
import { ServiceError } from '@usdcop/service/errors'
import type { Column, Dataset } from './datasets.ts'

const TYPES: Record<Column<never>['type'], DuckDBType> = { VARCHAR, DOUBLE, INTEGER, TIMESTAMPTZ }
const CHUNK_ROWS = 2_048
const MEMORY_LIMIT = '512MB'

export interface Duckdb extends Disposable {
  readonly connection: DuckDBConnection
}

/** A DuckDB of our own, in memory, that spills into `spillDirectory` instead of growing. */
export async function openDuckdb(spillDirectory?: string): Promise<Duckdb> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY_LIMIT,
    ...(spillDirectory !== undefined && { temp_directory: spillDirectory }),
  })
  const connection = await instance.connect()
  return {
    connection,
    [Symbol.dispose]: () => {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Fills a temporary table with rows, a column at a time: a call a value would cost ten times more. */
export async function stageRows<Row>(
  connection: DuckDBConnection,
  table: string,
  dataset: Dataset<Row>,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<void> {
  const definition = dataset.columns.map(({ name, type }) => `${quoteName(name)} ${type}`)
  await connection.run(`create or replace temp table ${table} (${definition.join(', ')})`)
  const appender = await connection.createAppender(table)
  const chunk = DuckDBDataChunk.create(dataset.columns.map(({ type }) => TYPES[type]))
  for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
    signal.throwIfAborted()
    const some = rows.slice(start, start + CHUNK_ROWS)
    chunk.reset()
    chunk.setColumns(dataset.columns.map((column) => some.map((row) => toDuckdb(column, row))))
    appender.appendDataChunk(chunk)
  }
  appender.closeSync()
}

function toDuckdb<Row>({ type, of }: Column<Row>, row: Row): DuckDBValue {
  const value = of(row)
  if (value === null || Number.isNaN(value)) return null
  return type === 'TIMESTAMPTZ' ? new DuckDBTimestampTZValue(BigInt(value) * 1_000n) : value
}

/** Writes the answer of a query to a Parquet file, in the query's order. */
export async function copyToParquet(
  connection: DuckDBConnection,
  query: string,
  path: string,
): Promise<void> {
  await connection.run(`copy (${query}) to ${quoteText(path)} (format parquet, compression zstd)`)
}

/** What went wrong with the store, by name; the signal's reason when that is what ended the work. */
export function offlineError(what: string, cause: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (cause instanceof ServiceError) return cause
  return new ServiceError('store_unavailable', what, { cause })
}
