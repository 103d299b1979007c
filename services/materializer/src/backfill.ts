import { insertBars } from '@usdcop/database/bars'
import { advanceVersion, readCheckpoint, saveCheckpoint } from '@usdcop/database/checkpoint'
import type { Database } from '@usdcop/database/database'
import { upsertMacroValues } from '@usdcop/database/macro-values'
import { appendOutbox } from '@usdcop/database/outbox'
import { saveMacroState, saveSymbolState } from '@usdcop/database/reducer-state'
import { countRejections } from '@usdcop/database/rejections'
import { recordSeals } from '@usdcop/database/sealed-sessions'
import { type Bar, barColumns } from '@usdcop/observation/bars'
import { type Calendar, createCalendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import type { MacroValue } from '@usdcop/observation/macro'
import { Reducer } from '@usdcop/observation/reducer'
import { type BatchResult, rowAt } from '@usdcop/observation/rows'
import { ServiceError } from '@usdcop/service/errors'
import { type AcceptedBar, barClosed } from './bar-closed.ts'
import type { OfflineWriter } from './offline.ts'
import { endOfSession } from './sessions.ts'
import { WRITER } from './sql-store.ts'

/** How many of the newest bars also go into SQL, so that charts do not begin empty. */
const RECENT_BARS = 600

export interface BackfillDeps {
  readonly db: Database
  readonly offline: OfflineWriter
  readonly contract: Contract
}

export interface History {
  readonly source: string
  /** In the order of the source; dirty rows are rejected and counted. */
  readonly bars: readonly Bar[]
  readonly macro: readonly MacroValue[]
}

export interface BackfillResult {
  readonly accepted: number
  readonly rejected: Readonly<Record<string, number>>
}

/**
 * Loads a long history into an empty platform: one batch of the reducer, Parquet first, one commit
 * after. A crash before the commit leaves files that the next attempt writes again to the same names.
 *
 * @throws ServiceError `conflict` when anything has been committed already; then nothing is written
 */
export async function backfill(
  { db, offline, contract }: BackfillDeps,
  { source, bars, macro }: History,
  signal: AbortSignal,
): Promise<BackfillResult> {
  // Asked before anything is written, and once more by the commit.
  if ((await readCheckpoint(db, WRITER, signal)) !== undefined)
    throw new ServiceError('conflict', 'a history is loaded before the first bar, not after it')
  const reducer = new Reducer(contract)
  for (const value of macro) reducer.macro.publish(value)
  const result = reducer.batch(barColumns(bars))
  const accepted = acceptedBars(bars, result)
  const { definitionHash } = contract

  const offlineRows = accepted.map(({ bar, row }) => ({
    bar: { ...bar, session: row.session },
    row,
  }))
  const seals = await offline.history(offlineRows, signal)
  const finished = finishedIn(createCalendar(contract), accepted)
  await db.transaction(async (tx) => {
    await advanceVersion(tx, WRITER, 0, signal)
    await recordSeals(
      tx,
      seals.filter(({ session }) => finished(session)),
      signal,
    )
    const recent = offlineRows.slice(-RECENT_BARS).map(({ bar }) => bar)
    await insertBars(tx, source, recent, signal)
    await upsertMacroValues(tx, macro, signal)
    await countRejections(tx, source, new Map(Object.entries(result.rejected)), signal)
    for (const symbol of reducer.symbols())
      await saveSymbolState(tx, definitionHash, symbol, reducer.saveSymbol(symbol), signal)
    await saveMacroState(tx, definitionHash, reducer.saveMacro(), signal)
    const newest = newestOfEach(accepted)
    const barTime = Math.max(...newest.map(({ bar }) => bar.barTime))
    const reached = Number.isFinite(barTime) ? barTime : null
    await saveCheckpoint(tx, source, { barTime: reached, position: bars.length }, signal)
    const events = newest.map((bar) => ({
      topic: 'history_loaded',
      payload: barClosed(bar, definitionHash),
    }))
    await appendOutbox(tx, events, signal)
  }, signal)
  return { accepted: accepted.length, rejected: result.rejected }
}

function acceptedBars(bars: readonly Bar[], { rows }: BatchResult): AcceptedBar[] {
  return Array.from({ length: rows.length }, (_, i) => {
    const bar = bars[rows.source[i] ?? -1]
    if (bar === undefined) throw new ServiceError('internal', `row ${i} has no bar`)
    const row = rowAt(rows, i)
    return { bar, row, macroAt: row.macroReleasedAt }
  })
}

/** The newest session may go on live: it is sealed when it is over, with the rows it has by then. */
function finishedIn(
  calendar: Calendar,
  accepted: readonly AcceptedBar[],
): (session: string) => boolean {
  const reached = accepted.reduce((newest, { row }) => Math.max(newest, row.availableAt), -Infinity)
  return (session) => endOfSession(calendar, session) <= reached
}

function newestOfEach(accepted: readonly AcceptedBar[]): AcceptedBar[] {
  return [...new Map(accepted.map((one) => [one.bar.symbol, one])).values()]
}
