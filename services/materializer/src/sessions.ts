import type { Calendar } from '@usdcop/observation/calendar'

/** The instant at which the last bar of a session has closed. */
export function endOfSession(calendar: Calendar, session: string): number {
  return Date.parse(session) + calendar.lastBarMs + calendar.barMs
}
