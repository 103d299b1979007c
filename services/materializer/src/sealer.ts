import { readBars } from '@usdcop/database/bars'
import type { Database } from '@usdcop/database/database'
import { readSessionRows, unsealedSessions } from '@usdcop/database/feature-rows'
import { recordSeals } from '@usdcop/database/sealed-sessions'
import type { Calendar } from '@usdcop/observation/calendar'
import type { DomainClock } from '@usdcop/service/clock'
import type { OfflineRow, OfflineWriter } from './offline.ts'

export interface SealerDeps {
  readonly db: Database
  readonly offline: OfflineWriter
  readonly calendar: Calendar
  readonly clock: DomainClock
  readonly definitionHash: string
}

/** The dataset that has a row for every accepted bar. */
const EVERY_BAR = 'technical_features'

/**
 * Seals, from SQL, every session that is over by the domain clock and not sealed yet. Files come
 * before records: a crash in between seals the session again, to the same names. Returns the sessions.
 */
export async function sealFinished(deps: SealerDeps, signal: AbortSignal): Promise<string[]> {
  const { db, offline, calendar, clock, definitionHash } = deps
  const open = await unsealedSessions(db, definitionHash, EVERY_BAR, signal)
  const over = open.filter((session) => endOf(calendar, session) <= clock.now())
  for (const session of over) {
    const rows = await readSession(deps, session, signal)
    await recordSeals(db, await offline.seal('live', rows, signal), signal)
  }
  return over
}

function endOf(calendar: Calendar, session: string): number {
  return Date.parse(session) + calendar.lastBarMs + calendar.barMs
}

async function readSession(
  { db, calendar, definitionHash }: SealerDeps,
  session: string,
  signal: AbortSignal,
): Promise<OfflineRow[]> {
  const rows = await readSessionRows(db, definitionHash, session, signal)
  const opensAt = Date.parse(session) + calendar.firstBarMs
  const bars = new Map<string, OfflineRow['bar']>()
  for (const symbol of new Set(rows.map((row) => row.symbol)))
    for (const bar of await readBars(db, symbol, opensAt, endOf(calendar, session), signal))
      bars.set(`${symbol} ${bar.barTime}`, bar)
  return rows.flatMap((row) => {
    const bar = bars.get(`${row.symbol} ${row.barTime}`)
    return bar === undefined ? [] : [{ bar, row }]
  })
}
