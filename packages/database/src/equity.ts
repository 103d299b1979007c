import type { Queryable } from './database.ts'

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
