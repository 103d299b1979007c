import { ServiceError } from '@usdcop/service/errors'
import type { Queryable } from './database.ts'
import { float8 } from './encode.ts'
import type { EquityPoint } from './equity.ts'

/** What one bar leaves behind of a paper account. */
export interface Settlement {
  /** The account after the bar, as JSON. */
  readonly state: unknown
  /** Of the account the bar found; 0 where there was none yet. */
  readonly expectedVersion: number
  readonly mark: EquityPoint
  /** The consumer whose cursor moves, and to which outbox event. */
  readonly consumer: string
  readonly position: number
}

/**
 * Stores account, equity point and cursor of one bar in one statement, and returns the account's new
 * version. Throws `conflict` when another writer was faster, or the bar has been marked already; it
 * wakes nobody, for nobody waits behind who settles.
 */
export async function settleBar(
  tx: Queryable,
  { state, expectedVersion, mark, consumer, position }: Settlement,
  signal: AbortSignal,
): Promise<number> {
  const [saved] = await tx.query<{ version: number }>(
    `with saved as (
       insert into account as known (symbol, state, version)
       select $1::text, $2::jsonb, $3::int8 + 1
       where $3::int8 = 0 or exists (select from account where symbol = $1::text)
       on conflict (symbol) do update
         set state = excluded.state, version = excluded.version, recorded_at = excluded.recorded_at
         where known.version = $3::int8
       returning version),
     marked as (
       insert into equity_point (symbol, bar_time, available_at, position, cash, equity, close)
       select $1::text, instant_of($4::int8), instant_of($5::int8), $6::float8, $7::float8,
         $8::float8, $9::float8
       from saved),
     moved as (
       insert into consumer_cursor as known (consumer, position)
       select $10::text, $11::int8 from saved
       on conflict (consumer) do update
         set position = greatest(known.position, excluded.position),
           recorded_at = excluded.recorded_at)
     select version from saved`,
    [
      mark.symbol,
      JSON.stringify(state),
      expectedVersion,
      mark.barTime,
      mark.availableAt,
      float8(mark.position),
      float8(mark.cash),
      float8(mark.equity),
      float8(mark.close),
      consumer,
      position,
    ],
    signal,
  )
  if (!saved)
    throw new ServiceError(
      'conflict',
      `account of ${mark.symbol} is no longer at ${expectedVersion}`,
    )
  return saved.version
}
