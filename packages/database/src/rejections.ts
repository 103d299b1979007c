import type { Queryable } from './database.ts'
import { intArray, textArray } from './encode.ts'

export interface RejectionCount {
  readonly source: string
  readonly reason: string
  readonly count: number
}

/** Adds to the counts of rejected bars of a source. */
export async function countRejections(
  q: Queryable,
  source: string,
  counts: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const given = [...counts].filter(([, count]) => count > 0)
  if (given.length === 0) return
  await q.query(
    `insert into rejected_bar_count as known (source, reason, count)
     select $1, reason, count from unnest($2::text[], $3::int8[]) as given (reason, count)
     on conflict (source, reason)
     do update set count = known.count + excluded.count, recorded_at = excluded.recorded_at`,
    [source, textArray(given.map(([reason]) => reason)), intArray(given.map(([, count]) => count))],
    signal,
  )
}

/** Every count, by source and reason. */
export async function readRejections(q: Queryable, signal: AbortSignal): Promise<RejectionCount[]> {
  return await q.query<RejectionCount>(
    `select source, reason, count from rejected_bar_count order by source, reason`,
    [],
    signal,
  )
}
