import type { Bar } from '@usdcop/observation/bars'
import type { Calendar } from '@usdcop/observation/calendar'
import { ServiceError } from '@usdcop/service/errors'
import type { MarketData, ReleasedValue } from './market-data.ts'

/** How many of the newest sessions are replayed when nobody says. */
const DEFAULT_SESSIONS = 20

/** What is loaded as history and what is replayed bar by bar. */
export interface ReplayPlan {
  readonly history: { readonly bars: readonly Bar[]; readonly macro: readonly ReleasedValue[] }
  readonly bars: readonly Bar[]
  readonly macro: readonly ReleasedValue[]
  /** Sessions of the replay, ascending. */
  readonly sessions: readonly string[]
  /** The domain instant at which the history ends. */
  readonly startsAt: number
}

export interface ReplayRange {
  readonly from: string | undefined
  readonly to: string | undefined
}

/**
 * Splits the data at the open of the first session to replay. A row whose time cannot be read is
 * history: it is rejected and counted there. Rows after the last session are left out.
 * @throws ServiceError `invalid_request` when the range holds no session of the data
 */
export function planReplay(data: MarketData, range: ReplayRange, calendar: Calendar): ReplayPlan {
  const {
    from = data.sessions.at(-DEFAULT_SESSIONS) ?? data.sessions[0] ?? '',
    to = '9999-12-31',
  } = range
  const sessions = data.sessions.filter((session) => session >= from && session <= to)
  const first = sessions[0]
  const last = sessions.at(-1)
  if (first === undefined || last === undefined)
    throw new ServiceError(
      'invalid_request',
      `the data has no session from ${from} to ${to}; its sessions run from ${data.sessions[0]} to ${data.sessions.at(-1)}`,
    )
  const startsAt = Date.parse(first)
  const endsAt = Date.parse(last) + calendar.firstBarMs + calendar.barsPerSession * calendar.barMs
  const history: Bar[] = []
  const bars: Bar[] = []
  for (const bar of data.bars) {
    if (bar.barTime >= endsAt) continue
    if (bar.barTime >= startsAt) bars.push(bar)
    else history.push(bar)
  }
  return {
    history: { bars: history, macro: data.macro.filter(({ releasedAt }) => releasedAt < startsAt) },
    bars,
    macro: data.macro.filter(({ releasedAt }) => releasedAt >= startsAt && releasedAt < endsAt),
    sessions,
    startsAt,
  }
}
