import type { Bar, RejectReason } from '@usdcop/observation/bars'
import { type Calendar, createCalendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import { ObservationError } from '@usdcop/observation/errors'
import type { MacroValue, PublishOutcome } from '@usdcop/observation/macro'
import { Reducer } from '@usdcop/observation/reducer'
import type { FeatureRow } from '@usdcop/observation/rows'
import type { DomainClock } from '@usdcop/service/clock'
import type { AcceptedBar } from './bar-closed.ts'
import type { MaterializerMetrics } from './metrics.ts'
import { createQueue } from './queue.ts'
import { endOfSession } from './sessions.ts'
import type { MaterializerStore } from './store.ts'

const DAY_MS = 86_400_000

/** `not_closed`: by the domain clock the bar is still being made; the sender may send it again. */
export type BarOutcome =
  | { readonly status: 'accepted' }
  | { readonly status: 'rejected'; readonly reason: RejectReason | 'not_closed' }

export type MacroOutcome =
  | { readonly status: PublishOutcome }
  | { readonly status: 'rejected'; readonly reason: string }

/** Takes bars and macro values, one batch at a time, and answers when they are durable. */
export interface Ingest {
  bars(source: string, bars: readonly Bar[], signal: AbortSignal): Promise<readonly BarOutcome[]>
  macro(
    source: string,
    values: readonly MacroValue[],
    signal: AbortSignal,
  ): Promise<readonly MacroOutcome[]>
}

export interface IngestDeps {
  readonly contract: Contract
  readonly store: MaterializerStore
  readonly clock: DomainClock
  readonly metrics: MaterializerMetrics
  /** Called after each commit that took bars. */
  readonly onCommitted: (accepted: readonly AcceptedBar[]) => void
}

/** The reducer in memory, and what of its surroundings belongs to its state. */
interface Live {
  readonly reducer: Reducer
  macroChangedAt: number
}

/**
 * The reducer runs ahead of the store only inside a batch. When a commit fails the reducer in memory
 * is dropped, and the next batch starts from what the store holds.
 */
export function createIngest(deps: IngestDeps): Ingest {
  const { contract, store, clock, metrics, onCommitted } = deps
  const calendar = createCalendar(contract)
  const inTurn = createQueue()
  let live: Live | undefined

  async function load(signal: AbortSignal): Promise<Live> {
    const { symbols, macro } = await store.load(signal)
    const reducer = new Reducer(contract)
    for (const [symbol, bytes] of symbols) reducer.restoreSymbol(symbol, bytes)
    if (macro !== undefined) reducer.restoreMacro(macro.timeline)
    return { reducer, macroChangedAt: macro?.changedAt ?? 0 }
  }

  function committing<T>(signal: AbortSignal, work: (current: Live) => Promise<T>): Promise<T> {
    return inTurn(signal, async () => {
      const current = (live ??= await load(signal))
      try {
        return await work(current)
      } catch (error) {
        live = undefined
        throw error
      }
    })
  }

  return {
    bars: (source, bars, signal) =>
      committing(signal, async ({ reducer, macroChangedAt }) => {
        const now = clock.now()
        const accepted: AcceptedBar[] = []
        const rejected: Record<string, number> = {}
        const outcomes = bars.map((bar): BarOutcome => {
          const outcome = takeBar(reducer, bar, now - calendar.barMs)
          if (outcome.kind === 'accepted') {
            const macroAt = macroEventTime(calendar, outcome.row, macroChangedAt)
            accepted.push({ bar, row: outcome.row, macroAt })
            return { status: 'accepted' }
          }
          rejected[outcome.reason] = (rejected[outcome.reason] ?? 0) + 1
          return { status: 'rejected', reason: outcome.reason }
        })
        if (bars.length === 0) return outcomes
        const changed = new Set(accepted.map(({ bar }) => bar.symbol))
        const symbols = new Map([...changed].map((symbol) => [symbol, reducer.saveSymbol(symbol)]))
        const reopened = sessionsOver(calendar, accepted, now)
        const state = { symbols, macro: undefined }
        await store.commit({ source, accepted, rejected, macro: [], reopened, state }, signal)
        count(metrics, accepted, rejected)
        if (accepted.length > 0) onCommitted(accepted)
        return outcomes
      }),

    macro: (source, values, signal) =>
      committing(signal, async (current) => {
        const outcomes = values.map((value) => publish(current.reducer, value))
        const changed = values.filter((_, i) => isChange(outcomes[i]))
        if (changed.length === 0) return outcomes
        const now = clock.now()
        if (changed.some(({ date }) => calendar.releaseInstantOf(date) < now))
          current.macroChangedAt = now
        const timeline = current.reducer.saveMacro()
        const state = {
          symbols: new Map(),
          macro: { timeline, changedAt: current.macroChangedAt },
        }
        await store.commit(
          { source, accepted: [], rejected: {}, macro: changed, reopened: [], state },
          signal,
        )
        return outcomes
      }),
  }
}

function count(
  metrics: MaterializerMetrics,
  accepted: readonly AcceptedBar[],
  rejected: Readonly<Record<string, number>>,
): void {
  metrics.accepted.inc(accepted.length)
  for (const { bar } of accepted) metrics.newestBar.set({ symbol: bar.symbol }, bar.barTime / 1_000)
  for (const [reason, times] of Object.entries(rejected)) metrics.rejected.inc({ reason }, times)
}

function takeBar(
  reducer: Reducer,
  bar: Bar,
  newestClosedLabel: number,
): ReturnType<Reducer['step']> | { readonly kind: 'rejected'; readonly reason: 'not_closed' } {
  if (bar.barTime > newestClosedLabel) return { kind: 'rejected', reason: 'not_closed' }
  return reducer.step(bar)
}

function publish(reducer: Reducer, value: MacroValue): MacroOutcome {
  try {
    return { status: reducer.macro.publish(value) }
  } catch (error) {
    if (!(error instanceof ObservationError)) throw error
    return { status: 'rejected', reason: error.message }
  }
}

function sessionsOver(calendar: Calendar, accepted: readonly AcceptedBar[], now: number): string[] {
  const sessions = new Set(accepted.map(({ row }) => row.session))
  return [...sessions].filter((session) => endOfSession(calendar, session) <= now)
}

function isChange(outcome: MacroOutcome | undefined): boolean {
  return outcome?.status === 'accepted' || outcome?.status === 'corrected'
}

/**
 * The release instant, unless values changed after the session's first row could have gone out: then
 * the instant of that change, or the new row would lose to the one it corrects.
 */
function macroEventTime(calendar: Calendar, row: FeatureRow, changedAt: number): number {
  const midnight = row.barTime - (row.barTime % DAY_MS)
  const firstRowAt = midnight + calendar.firstBarMs + calendar.barMs
  return changedAt >= firstRowAt && changedAt <= row.availableAt ? changedAt : row.macroReleasedAt
}
