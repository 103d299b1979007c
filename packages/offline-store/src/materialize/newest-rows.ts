import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
}

/**
 * The newest row of every entity with an event in the window, by event time, then by created time.
 * DuckDB sorts within its limit of memory and beyond it on disk, and hands over some 2,000 rows at
 * a time.
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
  { registry, view, source, directory, start, end }: Window,
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
    const result = await connection.stream(selectNewest(table, columns, start, end))
    for await (const rows of result.yieldRows()) {
      signal.throwIfAborted()
      if (rows.length > 0) yield rows.map((row) => toRow(view, columns, row))
    }
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}

function selectNewest(table: string, columns: SourceColumns, start: number, end: number): string {
  const { keys, features, time, created } = columns
  const key = keys.map(({ sql }, i) => `${sql} as k${i}`)
  const values = features.map(({ sql }, i) => `${sql} as f${i}`)
  const partition =
    keys.length === 0 ? '' : `partition by ${keys.map((_, i) => `k${i}`).join(', ')}`
  const latest = `us desc${created === undefined ? '' : ', created desc nulls last'}`
  const read = [`${time} as us`, ...key, ...values]
  if (created !== undefined) read.push(`${created} as created`)
  const names = ['us', ...keys.map((_, i) => `k${i}`), ...features.map((_, i) => `f${i}`)]
  return `select ${names.join(', ')} from (select ${read.join(', ')} from ${table})
    where us between ${micros(start)} and ${micros(end)}
    qualify row_number() over (${partition} order by ${latest}) = 1`
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
