import type { Queryable } from './database.ts'
import { OUTBOX_CHANNEL } from './outbox.ts'

/** The id of the last outbox event a consumer has finished; 0 before the first. */
export async function readCursor(
  q: Queryable,
  consumer: string,
  signal: AbortSignal,
): Promise<number> {
  const [row] = await q.query<{ position: number }>(
    'select position from consumer_cursor where consumer = $1',
    [consumer],
    signal,
  )
  return row?.position ?? 0
}

/**
 * Moves a consumer forward, never back, and wakes the consumers that wait behind it. Belongs in the
 * transaction that commits the consumer's own effect, where it has one.
 */
export async function advanceCursor(
  q: Queryable,
  consumer: string,
  position: number,
  signal: AbortSignal,
): Promise<void> {
  await q.query(
    `with moved as (
       insert into consumer_cursor as known (consumer, position) values ($1, $2::int8)
       on conflict (consumer) do update
         set position = greatest(known.position, excluded.position),
           recorded_at = excluded.recorded_at
       returning consumer)
     select pg_notify($3, consumer) from moved`,
    [consumer, position, OUTBOX_CHANNEL],
    signal,
  )
}
