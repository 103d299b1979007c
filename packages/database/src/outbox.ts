import type { Queryable } from './database.ts'
import { textArray } from './encode.ts'

/**
 * Listeners of this channel are woken by each commit that appended or moved a cursor. The payload is
 * `APPENDED` or the consumer's name, so that nobody need wake for what is not meant for him.
 */
export const OUTBOX_CHANNEL = 'outbox'
export const APPENDED = 'appended'

/** Held to the commit, so that only one transaction at a time appends: see `appendOutbox`. */
const WRITER_LOCK = 0x75_73_64_01

export interface OutboxDraft {
  readonly topic: string
  /** Any JSON value; NaN and −0 do not exist in JSON. */
  readonly payload: unknown
}

export interface OutboxEvent extends OutboxDraft {
  readonly id: number
  /** Wall time of the transaction, epoch milliseconds. */
  readonly recordedAt: number
}

/**
 * Appends events in the caller's transaction and returns their ids, in order.
 *
 * Ids are handed out before the commit. With two writers id 7 could become visible before id 6, and
 * a reader that had passed 7 would never see 6. The writers' lock makes the order of ids the order
 * of commits; it is released by the commit or rollback.
 */
export async function appendOutbox(
  tx: Queryable,
  drafts: readonly OutboxDraft[],
  signal: AbortSignal,
): Promise<number[]> {
  if (drafts.length === 0) return []
  // The lock comes before the ids: they are drawn for the rows that the locked select yields.
  const rows = await tx.query<{ id: number }>(
    `with locked as materialized (select pg_advisory_xact_lock($3::int8)),
     appended as (
       insert into outbox (topic, payload)
       select topic, payload::jsonb
       from locked, unnest($1::text[], $2::text[]) with ordinality as given (topic, payload, place)
       order by place
       returning id)
     select id, pg_notify($4, $5) from appended`,
    [
      textArray(drafts.map((draft) => draft.topic)),
      textArray(drafts.map((draft) => JSON.stringify(draft.payload))),
      WRITER_LOCK,
      OUTBOX_CHANNEL,
      APPENDED,
    ],
    signal,
  )
  return rows.map((row) => row.id).sort((a, b) => a - b)
}

/**
 * The next events after `cursor`, in id order. With `behind`, only those which that consumer has
 * already passed: the gateway may not see a bar before its online rows are written.
 */
export async function readOutbox(
  q: Queryable,
  cursor: number,
  limit: number,
  behind: string | null,
  signal: AbortSignal,
): Promise<OutboxEvent[]> {
  return await q.query<OutboxEvent>(
    `select id, topic, payload, ms_of(recorded_at) as "recordedAt" from outbox
     where id > $1::int8
       and ($3::text is null
         or id <= (select position from consumer_cursor where consumer = $3::text))
     order by id limit $2::int8`,
    [cursor, limit, behind],
    signal,
  )
}

/** The newest id, 0 when nothing was ever appended. */
export async function newestOutboxId(q: Queryable, signal: AbortSignal): Promise<number> {
  const [row] = await q.query<{ id: number }>(
    'select coalesce(max(id), 0) as id from outbox',
    [],
    signal,
  )
  return row?.id ?? 0
}
