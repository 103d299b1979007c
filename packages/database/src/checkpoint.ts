import type { Queryable } from './database.ts'

/** How far a source has been ingested. */
export interface Checkpoint {
  /** Label of the newest accepted bar in epoch milliseconds; null before the first. */
  readonly barTime: number | null
  /** Rows of the source consumed so far, rejected ones included. */
  readonly position: number
}

export async function saveCheckpoint(
  q: Queryable,
  source: string,
  { barTime, position }: Checkpoint,
  signal: AbortSignal,
): Promise<void> {
  await q.query(
    `insert into checkpoint (source, bar_time, position) values ($1, instant_of($2::int8), $3::int8)
     on conflict (source) do update set bar_time = excluded.bar_time,
       position = excluded.position, recorded_at = excluded.recorded_at`,
    [source, barTime, position],
    signal,
  )
}

export async function readCheckpoint(
  q: Queryable,
  source: string,
  signal: AbortSignal,
): Promise<Checkpoint | undefined> {
  const [row] = await q.query<Checkpoint>(
    `select ms_of(bar_time) as "barTime", position from checkpoint where source = $1`,
    [source],
    signal,
  )
  return row
}
