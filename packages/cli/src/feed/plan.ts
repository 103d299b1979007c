import type { Bar } from '@usdcop/observation/bars'
import type { Calendar } from '@usdcop/observation/calendar'
import type { MacroValue } from '@usdcop/observation/macro'
import { ServiceError } from '@usdcop/service/errors'

export interface FeedBar extends Bar {
  /** When it may be sent. */
  readonly at: number
}

export interface FeedValue extends MacroValue {
  /** When it is released. */
  readonly at: number
}

/** What is to be sent, each list in the order of its instants. */
export interface FeedPlan {
  readonly bars: readonly FeedBar[]
  readonly macro: readonly FeedValue[]
  /** The first session of the history; later ones may be there already. */
  readonly from: string
}

export interface FeedPlace {
  /** Where the market begins. */
  readonly startsAt: number
  /** How many sessions before that day are sent as history. */
  readonly historySessions: number
  /** Label of the newest bar of each symbol that the materializer has. */
  readonly stored: ReadonlyMap<string, number>
}

/**
 * The bars from the beginning of the history on that the materializer does not have, and every macro
 * value: it knows by itself which of these are new. A bar whose time cannot be read has no place on a
 * clock and is left out.
 * @throws ServiceError `invalid_request` when the bars hold no session
 */
export function planFeed(
  data: { readonly bars: readonly Bar[]; readonly macro: readonly MacroValue[] },
  { startsAt, historySessions, stored }: FeedPlace,
  calendar: Calendar,
): FeedPlan {
  const firstDay = isoDay(startsAt)
  const before = sessionsOf(data.bars, calendar).filter((session) => session < firstDay)
  const from = historySessions === 0 ? firstDay : (before.slice(-historySessions)[0] ?? firstDay)
  const since = Date.parse(from)
  const bars = data.bars
    .filter(({ symbol, barTime }) => barTime >= since && barTime > (stored.get(symbol) ?? 0))
    .map((bar) => ({ ...bar, at: bar.barTime + calendar.barMs }))
    .sort((a, b) => a.at - b.at)
  const macro = data.macro
    .map((value) => ({ ...value, at: calendar.releaseInstantOf(value.date) }))
    .sort((a, b) => a.at - b.at)
  return { bars, macro, from }
}

/** Days on which there is a bar inside session hours, ascending. */
function sessionsOf(bars: readonly Bar[], calendar: Calendar): string[] {
  const sessions = new Set<string>()
  for (const { barTime } of bars) {
    const session = Number.isNaN(barTime) ? undefined : calendar.sessionOf(barTime)
    if (session !== undefined) sessions.add(session)
  }
  if (sessions.size === 0)
    throw new ServiceError('invalid_request', 'the file of bars holds no bar of a session')
  return [...sessions].sort()
}

function isoDay(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}
