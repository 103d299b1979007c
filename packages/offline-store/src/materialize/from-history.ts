import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import type { EntityValue } from '@usdcop/feast/wire/entity-key'
import { ServiceError } from '@usdcop/service/errors'
import { offlineError, openDuckdb } from '../parquet.ts'
import { toValue } from './row-values.ts'
import type { TypedColumn } from './source-columns.ts'

/** A value as DuckDB gives it. */
export type Cell = Parameters<typeof toValue>[1]

/**
 * What `read` makes of a DuckDB of its own, which spills into a folder of its own and stops reading when
 * the signal aborts.
 * @param view whose history it is, for the error
 */
export async function* fromHistory<T>(
  view: string,
  signal: AbortSignal,
  read: (connection: DuckDBConnection) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  signal.throwIfAborted()
  const spill = await mkdtemp(join(tmpdir(), 'usdcop-materialize-'))
  try {
    using duckdb = await openDuckdb(spill)
    const { connection } = duckdb
    const interrupt = () => connection.interrupt()
    signal.addEventListener('abort', interrupt)
    try {
      await connection.run('set threads = 1; set preserve_insertion_order = false')
      yield* read(connection)
    } finally {
      signal.removeEventListener('abort', interrupt)
    }
  } catch (error) {
    throw offlineError(`the source of ${view} cannot be read`, error, signal)
  } finally {
    await rm(spill, { recursive: true, force: true })
  }
}

/** The rows of a query, some 2,000 at a time. */
export async function* batchesOf(
  connection: DuckDBConnection,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<readonly (readonly Cell[])[]> {
  const result = await connection.stream(query)
  for await (const rows of result.yieldRows()) {
    signal.throwIfAborted()
    if (rows.length > 0) yield rows
  }
}

/**
 * A row's join keys.
 * @throws ServiceError `invalid_request` where one is null
 */
export function keyPairs(
  view: string,
  keys: readonly TypedColumn[],
  cells: readonly Cell[],
): readonly (readonly [string, EntityValue])[] {
  return keys.map(({ name, valueType }, i) => {
    const value = toValue(valueType, cells[i] ?? null)
    if (value === null)
      throw new ServiceError(
        'invalid_request',
        `The source of feature view ${view} has a row without its join key '${name}'`,
      )
    return [name, value as EntityValue]
  })
}

/** DuckDB counts instants in microseconds. */
export const micros = (milliseconds: number): number => Math.round(milliseconds * 1_000)
