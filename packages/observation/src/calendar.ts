import type { Contract } from './contract.ts'
import { dayNumber, holidaysOf, weekdayIndex, weekdayOf } from './holidays.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const MAX_YEARS = 200

export type DayKind = 'session' | 'weekend' | 'holiday'

/** What the reducer asks once a bar; days are counted from 1970-01-01 UTC. */
export interface Calendar {
  readonly barMs: number
  readonly barsPerSession: number
  /** Labels of the first and last bar, in ms after midnight. */
  readonly firstBarMs: number
  readonly lastBarMs: number
  kindOf(day: number): DayKind
  /** The instant within session day `day` at which macro values are released. */
  releaseInstantOn(day: number): number
  /** The same for a value dated `day`: on the first session day after it. */
  releaseInstantAfter(day: number): number
  isHoliday(dayIso: string): boolean
  isSessionDay(dayIso: string): boolean
  /** The session, YYYY-MM-DD, that a bar label lies in; undefined outside sessions. */
  sessionOf(barTime: number): string | undefined
  /** The first session day after the given one. */
  nextSessionDay(dayIso: string): string
  /** When a macro value dated `dateIso` becomes usable: on the first session day after it. */
  releaseInstantOf(dateIso: string): number
}

/** A calendar that generates holidays by rule for any year and remembers the years it met. */
export function createCalendar(contract: Contract): Calendar {
  const { calendar, macro } = contract.definition
  const barMs = calendar.barMinutes * MINUTE_MS
  const firstBarMs = clockMs(calendar.firstBar)
  const lastBarMs = clockMs(calendar.lastBar)
  const releaseMs = clockMs(macro.release.at)
  const open = calendar.weekdays.map(weekdayIndex)
  const rules = Object.values(calendar.holidays).flat()
  const years = new Map<number, ReadonlySet<number>>()

  function holidaysIn(year: number): ReadonlySet<number> {
    const known = years.get(year)
    if (known !== undefined) return known
    const days = holidaysOf(year, rules)
    // Absurd bar times must not fill memory with years nobody asks about again.
    if (years.size >= MAX_YEARS) years.clear()
    years.set(year, days)
    return days
  }

  function isHolidayNumber(day: number): boolean {
    return holidaysIn(new Date(day * DAY_MS).getUTCFullYear()).has(day)
  }

  function kindOf(day: number): DayKind {
    if (!open.includes(weekdayOf(day))) return 'weekend'
    return isHolidayNumber(day) ? 'holiday' : 'session'
  }

  function sessionDayAfter(day: number): number {
    let next = day + 1
    while (kindOf(next) !== 'session') next++
    return next
  }

  function releaseInstantAfter(day: number): number {
    return sessionDayAfter(day) * DAY_MS + releaseMs
  }

  return {
    barMs,
    barsPerSession: (lastBarMs - firstBarMs) / barMs + 1,
    firstBarMs,
    lastBarMs,
    kindOf,
    releaseInstantOn: (day) => day * DAY_MS + releaseMs,
    releaseInstantAfter,
    isHoliday: (dayIso) => isHolidayNumber(parseDay(dayIso)),
    isSessionDay: (dayIso) => kindOf(parseDay(dayIso)) === 'session',
    sessionOf(barTime) {
      const day = Math.floor(barTime / DAY_MS)
      const time = barTime - day * DAY_MS
      const inside = time >= firstBarMs && time <= lastBarMs && kindOf(day) === 'session'
      return inside ? formatDay(day) : undefined
    },
    nextSessionDay: (dayIso) => formatDay(sessionDayAfter(parseDay(dayIso))),
    releaseInstantOf: (dateIso) => releaseInstantAfter(parseDay(dateIso)),
  }
}

/** YYYY-MM-DD → days since 1970-01-01; throws a RangeError on what is no date. */
export function parseDay(iso: string): number {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(iso)
  const day = match === null ? Number.NaN : dayNumber(+match[1]!, +match[2]!, +match[3]!)
  // Date.UTC rolls 31 February over; the way back shows it.
  if (Number.isNaN(day) || formatDay(day) !== iso) throw new RangeError(`no date: ${iso}`)
  return day
}

/** Days since 1970-01-01 → YYYY-MM-DD. */
export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

function clockMs(hhmm: string): number {
  const [hours = 0, minutes = 0] = hhmm.split(':').map(Number)
  return (hours * 60 + minutes) * MINUTE_MS
}
