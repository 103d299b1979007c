import { ServiceError } from '@usdcop/service/errors'
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

/** Adds consumed rows to a source, and the newest label among them; neither ever goes back. */
export async function advanceCheckpoint(
  q: Queryable,
  source: string,
  { barTime, rows }: { readonly barTime: number | null; readonly rows: number },
  signal: AbortSignal,
): Promise<void> {
  await q.query(
    `insert into checkpoint as known (source, bar_time, position)
       values ($1, instant_of($2::int8), $3::int8)
     on conflict (source) do update set bar_time = greatest(known.bar_time, excluded.bar_time),
       position = known.position + excluded.position, recorded_at = excluded.recorded_at`,
    [source, barTime, rows],
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

/** Until the transaction ends no commit of `writer` can come between: see `advanceVersion`. */
export async function holdVersion(
  tx: Queryable,
  writer: string,
  signal: AbortSignal,
): Promise<void> {
  await tx.query('select from checkpoint where source = $1 for update', [writer], signal)
}

/**
 * Moves a writer's version from `expected` (0 before its first commit) to the next and returns that.
 * In the transaction that commits the writer's work it keeps two writers from overwriting each other.
 * Throws `conflict` when another one was faster.
 */
export async function advanceVersion(
  tx: Queryable,
  writer: string,
  expected: number,
  signal: AbortSignal,
): Promise<number> {
  const [row] = await tx.query<{ position: number }>(
    `insert into checkpoint as known (source, position) values ($1, 1)
     on conflict (source) do update set position = known.position + 1,
       recorded_at = excluded.recorded_at
       where known.position = $2::int8
     returning position`,
    [writer, expected],
    signal,
  )
  if (row === undefined)
    throw new ServiceError(
      'conflict',
      `another ${writer} has committed since this one read its state`,
    )
  return row.position
}
