import type { Queryable } from './database.ts'
import { bytesArray, float8Array, intArray, textArray } from './encode.ts'

/** The reducer's row of one accepted bar; instants in epoch milliseconds. */
export interface FeatureRecord {
  readonly symbol: string
  readonly barTime: number
  readonly availableAt: number
  /** `YYYY-MM-DD` */
  readonly session: string
  /** The market features in contract order; NaN = missing. */
  readonly market: Float64Array
  readonly timeNormalized: number
  readonly gapBars: number
  readonly flags: readonly string[]
  readonly macroAgeMs: number
  readonly macroReleasedAt: number
}

/** Where a page of rows ended: the next one starts after it. */
export interface FeaturePosition {
  readonly barTime: number
  readonly symbol: string
}

interface Stored extends Omit<FeatureRecord, 'market'> {
  readonly market: Uint8Array
}

const COLUMNS = `symbol, ms_of(bar_time) as "barTime", ms_of(available_at) as "availableAt",
  session::text as session, market, time_normalized as "timeNormalized", gap_bars as "gapBars", flags,
  macro_age_ms as "macroAgeMs", ms_of(macro_released_at) as "macroReleasedAt"`

const toRecord = ({ market, ...row }: Stored): FeatureRecord => ({
  ...row,
  market: new Float64Array(market.buffer, market.byteOffset, market.byteLength / 8),
})

/** Inserts rows of one definition; a row already there stands. Returns how many were new. */
export async function insertFeatureRows(
  q: Queryable,
  definitionHash: string,
  rows: readonly FeatureRecord[],
  signal: AbortSignal,
): Promise<number> {
  if (rows.length === 0) return 0
  // Feature vectors are kept as bytes: exact, and many times faster than the text of 13 floats.
  const [inserted] = await q.query<{ count: number }>(
    `with inserted as (
       insert into feature_row (definition_hash, symbol, bar_time, available_at, session, market,
         time_normalized, gap_bars, flags, macro_age_ms, macro_released_at)
       select $1, symbol, instant_of(bar_time), instant_of(available_at), session, market,
         time_normalized, gap_bars, flags::text[], macro_age_ms, instant_of(macro_released_at)
       from unnest($2::text[], $3::int8[], $4::int8[], $5::date[], $6::bytea[], $7::float8[],
         $8::int4[], $9::text[], $10::float8[], $11::int8[])
         as given (symbol, bar_time, available_at, session, market, time_normalized, gap_bars,
           flags, macro_age_ms, macro_released_at)
       on conflict do nothing
       returning 1)
     select count(*) as count from inserted`,
    [
      definitionHash,
      textArray(rows.map((row) => row.symbol)),
      intArray(rows.map((row) => row.barTime)),
      intArray(rows.map((row) => row.availableAt)),
      textArray(rows.map((row) => row.session)),
      bytesArray(rows.map((row) => row.market)),
      float8Array(rows.map((row) => row.timeNormalized)),
      intArray(rows.map((row) => row.gapBars)),
      textArray(rows.map((row) => textArray(row.flags))),
      float8Array(rows.map((row) => row.macroAgeMs)),
      intArray(rows.map((row) => row.macroReleasedAt)),
    ],
    signal,
  )
  return inserted?.count ?? 0
}

/** All rows of one session, in bar time and symbol order: what a seal writes. */
export async function readSessionRows(
  q: Queryable,
  definitionHash: string,
  session: string,
  signal: AbortSignal,
): Promise<FeatureRecord[]> {
  const rows = await q.query<Stored>(
    `select ${COLUMNS} from feature_row where definition_hash = $1 and session = $2::date
     order by feature_row.bar_time, symbol`,
    [definitionHash, session],
    signal,
  )
  return rows.map(toRecord)
}

/** How many rows a session has. */
export async function countSessionRows(
  q: Queryable,
  definitionHash: string,
  session: string,
  signal: AbortSignal,
): Promise<number> {
  const [counted] = await q.query<{ count: number }>(
    `select count(*) as count from feature_row
     where definition_hash = $1 and session = $2::date`,
    [definitionHash, session],
    signal,
  )
  return counted?.count ?? 0
}

/** The next page of rows in bar time and symbol order, after `after` (null = from the first). */
export async function readFeaturePage(
  q: Queryable,
  definitionHash: string,
  after: FeaturePosition | null,
  limit: number,
  signal: AbortSignal,
): Promise<FeatureRecord[]> {
  const rows = await q.query<Stored>(
    `select ${COLUMNS} from feature_row
     where definition_hash = $1
       and ($2::int8 is null or (feature_row.bar_time, symbol) > (instant_of($2::int8), $3::text))
     order by feature_row.bar_time, symbol limit $4::int8`,
    [definitionHash, after?.barTime ?? null, after?.symbol ?? '', limit],
    signal,
  )
  return rows.map(toRecord)
}

/** The newest row of a symbol, or undefined. */
export async function newestFeatureRow(
  q: Queryable,
  definitionHash: string,
  symbol: string,
  signal: AbortSignal,
): Promise<FeatureRecord | undefined> {
  const [row] = await q.query<Stored>(
    `select ${COLUMNS} from feature_row where definition_hash = $1 and symbol = $2
     order by feature_row.bar_time desc limit 1`,
    [definitionHash, symbol],
    signal,
  )
  return row && toRecord(row)
}

/** Sessions that have rows but are not sealed in `dataset`, oldest first. */
export async function unsealedSessions(
  q: Queryable,
  definitionHash: string,
  dataset: string,
  signal: AbortSignal,
): Promise<string[]> {
  const rows = await q.query<{ session: string }>(
    `select distinct session::text as session from feature_row
     where definition_hash = $1
       and not exists (select from sealed_session as sealed
         where sealed.dataset = $2 and sealed.session = feature_row.session)
     order by session`,
    [definitionHash, dataset],
    signal,
  )
  return rows.map((row) => row.session)
}
