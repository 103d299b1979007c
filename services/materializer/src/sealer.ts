import { readBars } from '@usdcop/database/bars'
import { holdVersion } from '@usdcop/database/checkpoint'
import type { Database } from '@usdcop/database/database'
import { countSessionRows, readSessionRows, unsealedSessions } from '@usdcop/database/feature-rows'
import { recordSeals } from '@usdcop/database/sealed-sessions'
import type { Calendar } from '@usdcop/observation/calendar'
import type { DomainClock } from '@usdcop/service/clock'
import type { Logger } from '@usdcop/service/log'
import { createNap } from './nap.ts'
import type { BarWithRow, OfflineWriter } from './offline.ts'
import { endOfSession } from './sessions.ts'
import { WRITER } from './sql-store.ts'

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
 * before records: a crash in between seals the session again, to the same names. So does a row that
 * came in between. Returns the sessions that are sealed now.
 */
export async function sealFinished(deps: SealerDeps, signal: AbortSignal): Promise<string[]> {
  const { db, offline, calendar, clock, definitionHash } = deps
  const open = await unsealedSessions(db, definitionHash, EVERY_BAR, signal)
  const sealed: string[] = []
  for (const session of open.filter((day) => endOfSession(calendar, day) <= clock.now())) {
    const rows = await readSession(deps, session, signal)
    const seals = await offline.session(session, rows, signal)
    const recorded = await db.transaction(async (tx) => {
      await holdVersion(tx, WRITER, signal)
      if ((await countSessionRows(tx, definitionHash, session, signal)) !== rows.length)
        return false
      await recordSeals(tx, seals, signal)
      return true
    }, signal)
    if (recorded) sealed.push(session)
  }
  return sealed
}

async function readSession(
  { db, calendar, definitionHash }: SealerDeps,
  session: string,
  signal: AbortSignal,
): Promise<BarWithRow[]> {
  const rows = await readSessionRows(db, definitionHash, session, signal)
  const opensAt = Date.parse(session) + calendar.firstBarMs
  const bars = new Map<string, BarWithRow['bar']>()
  for (const symbol of new Set(rows.map((row) => row.symbol)))
    for (const bar of await readBars(db, symbol, opensAt, endOfSession(calendar, session), signal))
      bars.set(`${symbol} ${bar.barTime}`, bar)
  return rows.flatMap((row) => {
    const bar = bars.get(`${row.symbol} ${row.barTime}`)
    return bar === undefined ? [] : [{ bar, row }]
  })
}

/** Sessions end by the clock, whether or not a bar arrives then. */
const LOOK_AGAIN_MS = 30_000

/**
 * Seals what is over, again and again until the signal: after each wake, and now and then. A failure
 * is logged and tried again at the next look; nothing depends on a session being sealed soon.
 */
export function keepSealing(
  deps: SealerDeps,
  { logger, onSealed }: { logger: Logger; onSealed: (sessions: number) => void },
  signal: AbortSignal,
): { readonly wake: () => void; readonly stopped: Promise<void> } {
  const nap = createNap()
  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        const sealed = await sealFinished(deps, signal)
        if (sealed.length > 0) onSealed(sealed.length)
      } catch (error) {
        if (!signal.aborted) logger.error({ err: error }, 'a session was not sealed; trying again')
      }
      await nap.rest(LOOK_AGAIN_MS, signal)
    }
  }
  return { wake: nap.wake, stopped: run() }
}
