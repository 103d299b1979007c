import type { Queryable } from './database.ts'
import { intArray, textArray } from './encode.ts'

/** A session whose rows of a dataset stand in a Parquet file. */
export interface SealedSession {
  readonly dataset: string
  /** `YYYY-MM-DD` */
  readonly session: string
  /** Path of the file, relative to the offline store's directory. */
  readonly file: string
  readonly rows: number
}

/** Records seals; sealing a session again replaces its record. */
export async function recordSeals(
  q: Queryable,
  seals: readonly SealedSession[],
  signal: AbortSignal,
): Promise<void> {
  if (seals.length === 0) return
  await q.query(
    `insert into sealed_session (dataset, session, file, rows)
     select * from unnest($1::text[], $2::date[], $3::text[], $4::int8[])
     on conflict (dataset, session) do update
       set file = excluded.file, rows = excluded.rows, recorded_at = excluded.recorded_at`,
    [
      textArray(seals.map((seal) => seal.dataset)),
      textArray(seals.map((seal) => seal.session)),
      textArray(seals.map((seal) => seal.file)),
      intArray(seals.map((seal) => seal.rows)),
    ],
    signal,
  )
}

/** Every seal of a dataset, oldest session first. */
export async function readSeals(
  q: Queryable,
  dataset: string,
  signal: AbortSignal,
): Promise<SealedSession[]> {
  return await q.query<SealedSession>(
    `select dataset, session::text as session, file, rows from sealed_session
     where dataset = $1 order by sealed_session.session`,
    [dataset],
    signal,
  )
}

/** Forgets the seals of sessions that got another row, so that they are sealed again. */
export async function reopenSessions(
  q: Queryable,
  sessions: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (sessions.length === 0) return
  await q.query(
    'delete from sealed_session where session = any($1::date[])',
    [textArray(sessions)],
    signal,
  )
}
