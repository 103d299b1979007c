import type { Queryable } from './database.ts'
import { float8 } from './encode.ts'

/** The account marked at one bar's close; instants in epoch milliseconds, money in COP. */
export interface EquityPoint {
  readonly symbol: string
  readonly barTime: number
  readonly availableAt: number
  readonly position: number
  readonly cash: number
  readonly equity: number
  readonly close: number
}

/** Throws `conflict` when the bar has been marked already. */
export async function insertEquityPoint(
  tx: Queryable,
  point: EquityPoint,
  signal: AbortSignal,
): Promise<void> {
  await tx.query(
    `insert into equity_point (symbol, bar_time, available_at, position, cash, equity, close)
     values ($1, instant_of($2::int8), instant_of($3::int8), $4::float8, $5::float8, $6::float8,
       $7::float8)`,
    [
      point.symbol,
      point.barTime,
      point.availableAt,
      float8(point.position),
      float8(point.cash),
      float8(point.equity),
      float8(point.close),
    ],
    signal,
  )
}

const COLUMNS = `symbol, ms_of(bar_time) as "barTime", ms_of(available_at) as "availableAt",
  position, cash, equity, close`

/** The newest `limit` points of a symbol, oldest first. */
export async function newestEquity(
  q: Queryable,
  symbol: string,
  limit: number,
  signal: AbortSignal,
): Promise<EquityPoint[]> {
  const rows = await q.query<EquityPoint>(
    `select ${COLUMNS} from equity_point
     where symbol = $1 order by equity_point.bar_time desc limit $2::int8`,
    [symbol, limit],
    signal,
  )
  return rows.reverse()
}

/** The points of a symbol from a bar on, oldest first. */
export async function readEquitySince(
  q: Queryable,
  symbol: string,
  sinceBarTime: number,
  signal: AbortSignal,
): Promise<EquityPoint[]> {
  return await q.query<EquityPoint>(
    `select ${COLUMNS} from equity_point
     where symbol = $1 and equity_point.bar_time >= instant_of($2::int8)
     order by equity_point.bar_time`,
    [symbol, sinceBarTime],
    signal,
  )
}
