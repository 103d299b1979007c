import type { Queryable } from './database.ts'
import { float8Array, textArray } from './encode.ts'

/** One published observation of a macro series; `date` is `YYYY-MM-DD`. */
export interface MacroRow {
  readonly series: string
  readonly date: string
  readonly value: number
}

/** Stores observations; a value that differs replaces the known one and raises its revision. */
export async function upsertMacroValues(
  q: Queryable,
  rows: readonly MacroRow[],
  signal: AbortSignal,
): Promise<void> {
  if (rows.length === 0) return
  // One statement may not touch a row twice: of several values for a date the last one stands.
  const last = [...new Map(rows.map((row) => [`${row.series} ${row.date}`, row])).values()]
  await q.query(
    `insert into macro_value as known (series, date, value)
     select * from unnest($1::text[], $2::date[], $3::float8[])
     on conflict (series, date) do update
       set value = excluded.value, revision = known.revision + 1, recorded_at = excluded.recorded_at
       where known.value is distinct from excluded.value`,
    [
      textArray(last.map((row) => row.series)),
      textArray(last.map((row) => row.date)),
      float8Array(last.map((row) => row.value)),
    ],
    signal,
  )
}

/** Every observation, by series and date. */
export async function readMacroValues(q: Queryable, signal: AbortSignal): Promise<MacroRow[]> {
  return await q.query<MacroRow>(
    `select series, date::text as date, value from macro_value order by series, macro_value.date`,
    [],
    signal,
  )
}
