import type { Queryable } from './database.ts'
import { float8Array, intArray, textArray } from './encode.ts'

/** An accepted bar; `barTime` is its label, in epoch milliseconds. */
export interface BarRow {
  readonly symbol: string
  readonly barTime: number
  /** `YYYY-MM-DD` */
  readonly session: string
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
}

const COLUMNS = `symbol, ms_of(bar_time) as "barTime", session::text as session, open, high, low, close`

/** Inserts accepted bars; a bar already there stands. Returns how many were new. */
export async function insertBars(
  q: Queryable,
  source: string,
  bars: readonly BarRow[],
  signal: AbortSignal,
): Promise<number> {
  if (bars.length === 0) return 0
  const [inserted] = await q.query<{ count: number }>(
    `with inserted as (
       insert into bar (symbol, bar_time, session, open, high, low, close, source)
       select symbol, instant_of(bar_time), session, open, high, low, close, $8
       from unnest($1::text[], $2::int8[], $3::date[], $4::float8[], $5::float8[], $6::float8[], $7::float8[])
         as given (symbol, bar_time, session, open, high, low, close)
       on conflict do nothing
       returning 1)
     select count(*) as count from inserted`,
    [
      textArray(bars.map((bar) => bar.symbol)),
      intArray(bars.map((bar) => bar.barTime)),
      textArray(bars.map((bar) => bar.session)),
      float8Array(bars.map((bar) => bar.open)),
      float8Array(bars.map((bar) => bar.high)),
      float8Array(bars.map((bar) => bar.low)),
      float8Array(bars.map((bar) => bar.close)),
      source,
    ],
    signal,
  )
  return inserted?.count ?? 0
}

/** The newest `limit` bars of a symbol, oldest first. */
export async function newestBars(
  q: Queryable,
  symbol: string,
  limit: number,
  signal: AbortSignal,
): Promise<BarRow[]> {
  const rows = await q.query<BarRow>(
    `select ${COLUMNS} from bar where symbol = $1 order by bar.bar_time desc limit $2::int8`,
    [symbol, limit],
    signal,
  )
  return rows.reverse()
}

/** Bars of a symbol with `fromBarTime` ≤ barTime < `toBarTime`, oldest first. */
export async function readBars(
  q: Queryable,
  symbol: string,
  fromBarTime: number,
  toBarTime: number,
  signal: AbortSignal,
): Promise<BarRow[]> {
  return await q.query<BarRow>(
    `select ${COLUMNS} from bar
     where symbol = $1
       and bar.bar_time >= instant_of($2::int8) and bar.bar_time < instant_of($3::int8)
     order by bar.bar_time`,
    [symbol, fromBarTime, toBarTime],
    signal,
  )
}

/** The newest bar of every symbol, by symbol. */
export async function newestBarTimes(
  q: Queryable,
  signal: AbortSignal,
): Promise<{ symbol: string; barTime: number }[]> {
  return await q.query<{ symbol: string; barTime: number }>(
    'select symbol, ms_of(max(bar_time)) as "barTime" from bar group by symbol order by symbol',
    [],
    signal,
  )
}
