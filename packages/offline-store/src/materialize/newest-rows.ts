import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { BatchSource, FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import type { OnlineRow } from '@usdcop/feast/stores/online-store'
import type { EntityValue } from '@usdcop/feast/wire/entity-key'
import { DUMMY_JOIN_KEY, DUMMY_VALUE, entityKey } from '@usdcop/feast/wire/entity-key'
import { ServiceError } from '@usdcop/service/errors'
import { offlineError, openDuckdb } from '../parquet.ts'
import { toValue } from './row-values.ts'
import { type SourceColumns, sourceColumns } from './source-columns.ts'
import { filesOf } from './source-files.ts'

export interface Window {
  readonly registry: Registry
  readonly view: FeatureView
  readonly source: BatchSource
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
  signal.throwIfAborted()
  const spill = await mkdtemp(join(tmpdir(), 'usdcop-materialize-'))
  try {
    yield* read(window, spill, signal)
  } catch (error) {
    throw offlineError(`the source of ${window.view.name} cannot be read`, error, signal)
  } finally {
    await rm(spill, { recursive: true, force: true })
  }
}

async function* read(
  { registry, view, source, directory, start, end, rowsAPass }: Window,
  spill: string,
  signal: AbortSignal,
): AsyncGenerator<readonly OnlineRow[]> {
  const table = await filesOf(source, directory)
  using duckdb = await openDuckdb(spill)
  const { connection } = duckdb
  const interrupt = () => connection.interrupt()
  signal.addEventListener('abort', interrupt)
  try {
    await connection.run('set threads = 1; set preserve_insertion_order = false')
    const columns = await sourceColumns(connection, table, registry, view, source)
    const counted = await countRows(connection, table, columns, start, end)
    const passes = Math.max(1, Math.ceil(counted / rowsAPass))
    for (let pass = 0; pass < passes; pass += 1) {
      const share = `hash(${columns.keys.map((_, i) => `k${i}`).join(', ')}) % ${passes} = ${pass}`
      const query = selectNewest(table, columns, start, end, passes === 1 ? 'true' : share)
      const result = await connection.stream(query)
      for await (const rows of result.yieldRows()) {
        signal.throwIfAborted()
        if (rows.length > 0) yield rows.map((row) => toRow(view, columns, row))
      }
    }
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
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

const micros = (instant: number): number => Math.round(instant * 1_000)

function toRow(
  view: FeatureView,
  { keys, features }: SourceColumns,
  row: readonly Parameters<typeof toValue>[1][],
): OnlineRow {
  const pairs = keys.map(({ name, valueType }, i) => {
    const value = toValue(valueType, row[1 + i] ?? null)
    if (value === null)
      throw new ServiceError(
        'invalid_request',
        `The source of feature view ${view.name} has a row without its join key '${name}'`,
      )
    return [name, value as EntityValue] as const
  })
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
