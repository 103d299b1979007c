import { join } from 'node:path'
import { DuckDBTimestampTZValue, type DuckDBValue } from '@duckdb/node-api'
import { listPartitions, monthOf, type Partition, sessionOf, spanOf } from './layout.ts'
import { offlineError, openDuckdb, quoteText } from './parquet.ts'

/** A stored row by column name. Instants are epoch ms; null is missing. */
export type OfflineRow = Readonly<Record<string, string | number | null>>

export interface ReadFilter {
  readonly symbol?: string
  /** First event time, epoch ms. */
  readonly from?: number
  /** Event time to stop before, epoch ms. */
  readonly to?: number
}

/**
 * The rows of a dataset in event-time and symbol order, each once, a few thousand at a time. Memory
 * is bounded by a month of rows, which is what DuckDB sorts at once.
 *
 * Throws `store_unavailable`, naming the dataset, when a file cannot be read.
 */
export async function* readRows(
  directory: string,
  dataset: string,
  filter: ReadFilter,
  signal: AbortSignal,
): AsyncGenerator<readonly OfflineRow[]> {
  signal.throwIfAborted()
  try {
    const months = Map.groupBy(await listPartitions(directory, dataset), ({ month }) => month)
    using duckdb = await openDuckdb()
    for (const [month, partitions] of months) {
      if (!overlaps(month, filter)) continue
      const result = await duckdb.connection.stream(selectMonth(directory, partitions, filter))
      const names = result.columnNames()
      for await (const rows of result.yieldRows()) {
        signal.throwIfAborted()
        if (rows.length > 0) yield rows.map((row) => toRow(names, row))
      }
    }
  } catch (error) {
    throw offlineError(`${join(directory, dataset)} cannot be read`, error, signal)
  }
}

function overlaps(month: string, { from, to }: ReadFilter): boolean {
  const tooEarly = from !== undefined && month < monthOf(sessionOf(from))
  const tooLate = to !== undefined && month > monthOf(sessionOf(to))
  return !tooEarly && !tooLate
}

/** A session's own file, where there is one, stands for that session in its month's file. */
function selectMonth(
  directory: string,
  partitions: readonly Partition[],
  filter: ReadFilter,
): string {
  const sessions = partitions.flatMap(({ session }) => session ?? [])
  const read = (some: readonly Partition[]) =>
    `from read_parquet([${some.map(({ file }) => quoteText(join(directory, file))).join(', ')}],
       union_by_name = true, hive_partitioning = false)`
  const own = partitions.filter(({ session }) => session !== null)
  const whole = partitions.filter(({ session }) => session === null)
  const parts = [
    ...(own.length > 0 ? [read(own)] : []),
    ...(whole.length > 0
      ? [
          sessions.length > 0
            ? `${read(whole)} where ${sessions.map(outside).join(' and ')}`
            : read(whole),
        ]
      : []),
  ]
  return `select * from (${parts.map((part) => `select * ${part}`).join(' union all by name ')})
    where ${conditions(filter).join(' and ')} order by event_timestamp, symbol, created_timestamp`
}

function outside(session: string): string {
  const { from, to } = spanOf(session)
  return `epoch_ms(event_timestamp) not between ${from} and ${to - 1}`
}

function conditions({ symbol, from, to }: ReadFilter): string[] {
  return [
    'true',
    ...(symbol === undefined ? [] : [`symbol = ${quoteText(symbol)}`]),
    ...(from === undefined ? [] : [`epoch_ms(event_timestamp) >= ${from}`]),
    ...(to === undefined ? [] : [`epoch_ms(event_timestamp) < ${to}`]),
  ]
}

function toRow(names: readonly string[], values: readonly DuckDBValue[]): OfflineRow {
  return Object.fromEntries(names.map((name, i) => [name, fromDuckdb(values[i] ?? null)]))
}

function fromDuckdb(value: DuckDBValue): string | number | null {
  if (value instanceof DuckDBTimestampTZValue) return Number(value.micros / 1_000n)
  return value as string | number | null
}
