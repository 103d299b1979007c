import { createCalendar } from './calendar.ts'
import type { Contract } from './contract.ts'
import { ObservationError } from './errors.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

/** How market time follows wall time; instants in epoch ms. */
export interface MarketClockSettings {
  /** The wall instant at which the market begins to move. */
  readonly wallStart: number
  /** Where it begins: here, or where the market next opens. */
  readonly marketStart: number
  /** Market milliseconds a wall millisecond. */
  readonly speed: number
  /** Where it stops for good: here, or where the market closed before. */
  readonly marketEnd?: number | undefined
}

/** What time the market has. It stands before it begins and after it ends, and never runs back. */
export interface MarketClock {
  now(): number
  /** The first wall instant at which `now()` is `instant` or later; ±Infinity for always and never. */
  wallAt(instant: number): number
  /** Where it begins. */
  readonly startsAt: number
  /** Where it stops; Infinity when it goes on. */
  readonly endsAt: number
}

/**
 * Market time that runs `speed` times as fast as wall time and knows no closed hours: at the close of
 * one session day it is the opening of the next. A session day is open from its macro release (or its
 * first bar, if that is earlier) until its last bar is stale, so that the last decision can be made.
 *
 * A pure function of the wall instant, the settings and the contract: whoever has the same three has
 * the same time. Throws `clock_invalid` when the market never opens between start and end.
 */
export function marketClock(
  settings: MarketClockSettings,
  contract: Contract,
  wall: { now(): number },
): MarketClock {
  const { wallStart, speed } = settings
  const hours = marketHours(contract)
  const first = hours.openOnOrAfter(settings.marketStart)
  const days = sessionDaysFrom(first.day, hours)
  const startsAt = hours.opensAt(first.day) + first.sinceOpenMs
  const endsAt = hours.openOnOrBefore(settings.marketEnd ?? Number.POSITIVE_INFINITY)
  if (!(endsAt > startsAt))
    throw new ObservationError('clock_invalid', 'the market never opens between start and end')

  function marketAt(wallInstant: number): number {
    if (wallInstant <= wallStart) return startsAt
    const open = first.sinceOpenMs + Math.floor((wallInstant - wallStart) * speed)
    const day = days.at(Math.floor(open / hours.openMs), endsAt)
    return Math.min(endsAt, hours.opensAt(day) + (open % hours.openMs))
  }

  return {
    startsAt,
    endsAt,
    now: () => marketAt(wall.now()),
    wallAt(instant) {
      if (instant <= startsAt) return Number.NEGATIVE_INFINITY
      if (instant > endsAt) return Number.POSITIVE_INFINITY
      const { day, sinceOpenMs } = hours.openOnOrAfter(instant)
      const open = days.indexOf(day) * hours.openMs + sinceOpenMs - first.sinceOpenMs
      // A quotient may be off in its last digit; the clock itself says which instant is the first.
      let at = wallStart + Math.ceil(open / speed)
      while (marketAt(at) < instant) at++
      while (marketAt(at - 1) >= instant) at--
      return at
    },
  }
}

interface MarketHours {
  /** How long the market is open on a session day. */
  readonly openMs: number
  readonly isSession: (day: number) => boolean
  readonly opensAt: (day: number) => number
  /** The instant itself where the market is open, else its next opening. */
  openOnOrAfter(instant: number): { readonly day: number; readonly sinceOpenMs: number }
  /** The instant itself where the market is open, else its last close. */
  openOnOrBefore(instant: number): number
}

function marketHours(contract: Contract): MarketHours {
  const calendar = createCalendar(contract)
  const { firstBarMs, lastBarMs, barMs } = calendar
  const opens = Math.min(calendar.releaseInstantOn(0), firstBarMs)
  const stale = lastBarMs + barMs + contract.limits.maxBarAgeMinutes * MINUTE_MS
  // A day that would reach into the next one's opening ends there.
  const openMs = Math.min(stale - opens, DAY_MS)
  const isSession = (day: number): boolean => calendar.kindOf(day) === 'session'
  const dayOf = (instant: number): number => Math.floor((instant - opens) / DAY_MS)
  const sinceOpen = (instant: number): number => instant - opens - dayOf(instant) * DAY_MS
  return {
    openMs,
    isSession,
    opensAt: (day) => day * DAY_MS + opens,
    openOnOrAfter(instant) {
      let day = dayOf(instant)
      if (isSession(day) && sinceOpen(instant) < openMs)
        return { day, sinceOpenMs: sinceOpen(instant) }
      do day++
      while (!isSession(day))
      return { day, sinceOpenMs: 0 }
    },
    openOnOrBefore(instant) {
      if (instant === Number.POSITIVE_INFINITY) return instant
      let day = dayOf(instant)
      if (isSession(day)) return Math.min(instant, day * DAY_MS + opens + openMs)
      do day--
      while (!isSession(day))
      return day * DAY_MS + opens + openMs
    },
  }
}

/** Session days in order, found as far as somebody asked and remembered. */
function sessionDaysFrom(first: number, { isSession, opensAt }: MarketHours) {
  const days = [first]
  const places = new Map([[first, 0]])
  const last = (): number => days[days.length - 1]!
  function find(): void {
    let day = last() + 1
    while (!isSession(day)) day++
    places.set(day, days.length)
    days.push(day)
  }
  return {
    /** The day at `place`, or one that opens at `limit` or later if that comes first. */
    at(place: number, limit: number): number {
      while (days.length <= place && opensAt(last()) < limit) find()
      return days[place] ?? last()
    },
    indexOf(day: number): number {
      while (last() < day) find()
      return places.get(day) ?? -1
    },
  }
}
