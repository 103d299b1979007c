import { barRefusals } from '@usdcop/decision/gates'
import type { RefusalReason } from '@usdcop/decision/reasons'
import { refuse } from '@usdcop/decision/verdict'
import type { DomainClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import type { BarHistory } from './console/snapshot.ts'
import type { BarClosed } from './event.ts'
import type { Ledger, RecordedDecision } from './ledger.ts'
import type { Policy } from './model/run.ts'
import type { Rulebook } from './observe.ts'
import { decisionEntry } from './record.ts'

export interface AskDeps extends Rulebook {
  readonly clock: DomainClock
  readonly ledger: Ledger
  readonly bars: BarHistory
  readonly policy: Policy | undefined
  /** Until every closed bar that may be decided on has been. */
  readonly catchUp: (signal: AbortSignal) => Promise<void>
  readonly onRefused: (reasons: readonly RefusalReason[]) => void
}

export interface Answer {
  readonly decision: RecordedDecision
  /** Whether this question brought the decision about. */
  readonly created: boolean
}

export type Ask = (symbol: string) => Promise<Answer>

const DEADLINE_MS = 10_000

/**
 * Answers with the decision of the symbol's newest closed bar, deciding it first if need be. When
 * that bar is no longer fresh, or is history, the answer is a refusal, recorded once under the
 * trigger `request`. Questions about one symbol that come together get one answer.
 *
 * Asking moves no account. The refusal that cancels an order is that of a closed bar; one given to a
 * late question leaves the order of the bar's own decision to the next bar, or who asks, and when,
 * would change what a replay of the same bars comes to.
 */
export function createAsk(deps: AskDeps, lifetime: AbortSignal): Ask {
  const asking = new Map<string, Promise<Answer>>()
  return (symbol) => {
    const running = asking.get(symbol)
    if (running !== undefined) return running
    // Shared by all who ask, so no single caller's leaving may stop it.
    const deadline = AbortSignal.timeout(DEADLINE_MS)
    const answer = ask(deps, symbol, AbortSignal.any([lifetime, deadline]))
      .catch((error: unknown) => {
        if (deadline.aborted)
          throw new ServiceError('deadline_exceeded', 'no answer in time', { cause: error })
        throw error
      })
      .finally(() => asking.delete(symbol))
    asking.set(symbol, answer)
    return answer
  }
}

async function ask(deps: AskDeps, symbol: string, signal: AbortSignal): Promise<Answer> {
  const { ledger, clock } = deps
  const before = await newestBarTime(ledger, symbol, signal)
  await deps.catchUp(signal).catch((error: unknown) => {
    throw new ServiceError('not_ready', 'the closed bars cannot be followed', { cause: error })
  })
  const barTime = await newestBarTime(ledger, symbol, signal)
  const decision = barTime === null ? undefined : await ledger.decisionOf(symbol, barTime, signal)
  const decidedAt = clock.now()
  if (decision === undefined) return refuseHistory(deps, symbol, decidedAt, signal)

  const created = barTime !== before
  const bar = { symbol, barTime: decision.barTime, ...decision.content }
  const reasons = lateness(deps, bar, decidedAt)
  if (created || reasons.length === 0) return { decision, created }
  return refuseOnce(deps, bar, decidedAt, reasons, signal)
}

async function newestBarTime(
  ledger: Ledger,
  symbol: string,
  signal: AbortSignal,
): Promise<number | null> {
  const stored = await ledger.account(symbol, signal)
  return stored?.account.lastBarTime ?? null
}

type AskedBar = Pick<BarClosed, 'symbol' | 'barTime' | 'availableAt' | 'session' | 'definitionHash'>

/** Why a decision that was made on time may not be given out now. */
function lateness(
  { calendar, rules }: AskDeps,
  { barTime, availableAt, session, definitionHash }: AskedBar,
  now: number,
): readonly RefusalReason[] {
  const bar = { barTime, availableAt, session, flags: [], macroAgeMs: 0, definitionHash }
  const calendarSession = calendar.sessionOf(barTime)
  return barRefusals({ now, bar, calendarSession, rules: rules.gates })
}

async function refuseHistory(
  deps: AskDeps,
  symbol: string,
  decidedAt: number,
  signal: AbortSignal,
): Promise<Answer> {
  const [newest] = await deps.bars.newest(symbol, 1, signal)
  if (newest === undefined) throw new ServiceError('not_found', `no bar of ${symbol} is known`)
  const { barTime, session } = newest
  const { definitionHash } = deps.contract
  const availableAt = barTime + deps.calendar.barMs
  const bar = { symbol, barTime, session, availableAt, definitionHash }
  const reasons = [...lateness(deps, bar, decidedAt), 'history_only'] as const
  return refuseOnce(deps, bar, decidedAt, reasons, signal)
}

/** The same refusal of the same bar is given again: who polls must not make the ledger grow. */
async function refuseOnce(
  { ledger, policy, contract, onRefused }: AskDeps,
  bar: AskedBar,
  decidedAt: number,
  reasons: readonly RefusalReason[],
  signal: AbortSignal,
): Promise<Answer> {
  const verdict = refuse(reasons)
  const query = { symbol: bar.symbol, limit: 1, before: undefined }
  const [given] = await ledger.decisions(query, signal)
  const same =
    given?.trigger === 'request' &&
    given.barTime === bar.barTime &&
    given.content.reasons.join() === verdict.reasons.join()
  if (same) return { decision: given, created: false }

  const entry = decisionEntry({
    trigger: 'request',
    bar,
    decidedAt,
    verdict,
    features: [],
    model: policy?.describe(),
    definitionHash: contract.definitionHash,
    contractHash: contract.contractHash,
  })
  const { id } = await ledger.append(entry, signal)
  onRefused(verdict.reasons)
  const decision = await ledger.decision(id, signal)
  if (decision === undefined) throw new ServiceError('ledger_broken', `${id} was not written`)
  return { decision, created: true }
}
