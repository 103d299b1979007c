import type { DuckDBConnection } from '@duckdb/node-api'
import type { FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import { findBatchSource } from '@usdcop/feast/registry/registry'
import type { OnlineRow } from '@usdcop/feast/stores/online-store'
import { DUMMY_JOIN_KEY, DUMMY_VALUE, entityKey } from '@usdcop/feast/wire/entity-key'
import { batchesOf, type Cell, fromHistory, keyPairs, micros } from './from-history.ts'
import { toValue } from './row-values.ts'
import { type SourceColumns, sourceColumns } from './source-columns.ts'
import { filesOf } from './source-files.ts'

export interface Window {
  readonly registry: Registry
  readonly view: FeatureView
  /** Where the source's relative path begins. */
  readonly directory: string
  /** Epoch milliseconds, both inclusive. */
  readonly start: number
  readonly end: number
  /** How many rows are ranked at once; more take more memory. */
  readonly rowsAPass: number
}

/**
 * The newest row of every entity with an event in the window, by event time, then by created time,
 * some 2,000 at a time. A long history is read once for each `rowsAPass` of its rows.
 */
export async function* newestRows(
  window: Window,
  signal: AbortSignal,
): AsyncGenerator<readonly OnlineRow[]> {
  const { registry, view, directory, start, end, rowsAPass } = window
  const source = findBatchSource(registry, view)
  yield* fromHistory(view.name, signal, async function* (connection) {
    const table = await filesOf(source, directory)
    const columns = await sourceColumns(connection, table, registry, view, source)
    const counted = await countRows(connection, table, columns, start, end)
    const passes = Math.max(1, Math.ceil(counted / rowsAPass))
    for (let pass = 0; pass < passes; pass += 1) {
      const share = `hash(${columns.keys.map((_, i) => `k${i}`).join(', ')}) % ${passes} = ${pass}`
      const query = selectNewest(table, columns, start, end, passes === 1 ? 'true' : share)
      for await (const rows of batchesOf(connection, query, signal))
        yield rows.map((row) => toRow(view, columns, row))
    }
  })
}

/**
 * Entities are taken in shares, since DuckDB runs out of its memory where it ranks all rows at once;
 * a view without entities needs but its newest row.
 */
async function countRows(
  connection: DuckDBConnection,
  table: string,
  { keys, time }: SourceColumns,
  start: number,
  end: number,
): Promise<number> {
  if (keys.length === 0) return 0
  const query = `select count(*) from ${table} where ${time} between ${micros(start)} and ${micros(end)}`
  const counted = await connection.runAndReadAll(query)
  return Number(counted.getRows()[0]?.[0])
}

function selectNewest(
  table: string,
  { keys, features, time, created }: SourceColumns,
  start: number,
  end: number,
  share: string,
): string {
  const key = keys.map(({ sql }, i) => `${sql} as k${i}`)
  const values = features.map(({ sql }, i) => `${sql} as f${i}`)
  const latest = `us desc${created === undefined ? '' : ', created desc nulls last'}`
  const read = [`${time} as us`, ...key, ...values]
  if (created !== undefined) read.push(`${created} as created`)
  const keyNames = keys.map((_, i) => `k${i}`)
  const names = ['us', ...keyNames, ...features.map((_, i) => `f${i}`)]
  const newest =
    keys.length === 0
      ? `order by ${latest} limit 1`
      : `qualify row_number() over (partition by ${keyNames.join(', ')} order by ${latest}) = 1`
  return `select ${names.join(', ')} from (select ${read.join(', ')} from ${table})
    where us between ${micros(start)} and ${micros(end)} and ${share} ${newest}`
}

function toRow(
  view: FeatureView,
  { keys, features }: SourceColumns,
  row: readonly Cell[],
): OnlineRow {
  const pairs = keyPairs(view.name, keys, row.slice(1))
  const values = features.map(
    ({ name, valueType }, i) =>
      [name, toValue(valueType, row[1 + keys.length + i] ?? null)] as const,
  )
  return {
    entityKey: entityKey(keys.length === 0 ? [[DUMMY_JOIN_KEY, DUMMY_VALUE]] : pairs),
    eventTimestamp: Number(row[0]) / 1_000,
    values: new Map(values),
  }
}
