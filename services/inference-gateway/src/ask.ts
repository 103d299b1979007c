import { barRefusals } from '@usdcop/decision/gates'
import type { RefusalReason } from '@usdcop/decision/reasons'
import { refuse } from '@usdcop/decision/verdict'
import type { DomainClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import type { Ledger, RecordedDecision } from './ledger.ts'
import type { Policy } from './model/run.ts'
import type { Rulebook } from './observe.ts'
import { decisionEntry } from './record.ts'

export interface AskDeps extends Rulebook {
  readonly clock: DomainClock
  readonly ledger: Ledger
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
 * that bar is no longer fresh the answer is a refusal, recorded under the trigger `request`; asking
 * moves no account. Questions about one symbol that come together get one answer.
 */
export function createAsk(deps: AskDeps, lifetime: AbortSignal): Ask {
  const asking = new Map<string, Promise<Answer>>()
  return (symbol) => {
    const running = asking.get(symbol)
    if (running !== undefined) return running
    // Shared by all who ask, so no single caller's leaving may stop it.
    const signal = AbortSignal.any([lifetime, AbortSignal.timeout(DEADLINE_MS)])
    const answer = ask(deps, symbol, signal).finally(() => asking.delete(symbol))
    asking.set(symbol, answer)
    return answer
  }
}

async function ask(deps: AskDeps, symbol: string, signal: AbortSignal): Promise<Answer> {
  const before = await newestBarTime(deps.ledger, symbol, signal)
  await deps.catchUp(signal).catch((error: unknown) => {
    throw new ServiceError('not_ready', 'the closed bars cannot be followed', { cause: error })
  })
  const barTime = await newestBarTime(deps.ledger, symbol, signal)
  const decision =
    barTime === null ? undefined : await deps.ledger.decisionOf(symbol, barTime, signal)
  if (decision === undefined)
    throw new ServiceError('not_found', `no bar of ${symbol} has been decided on yet`)

  const created = barTime !== before
  const decidedAt = deps.clock.now()
  const reasons = lateness(deps, decision, decidedAt)
  if (created || reasons.length === 0) return { decision, created }
  return {
    decision: await recordRefusal(deps, decision, decidedAt, reasons, signal),
    created: true,
  }
}

async function newestBarTime(
  ledger: Ledger,
  symbol: string,
  signal: AbortSignal,
): Promise<number | null> {
  const stored = await ledger.account(symbol, signal)
  return stored?.account.lastBarTime ?? null
}

/** Why a decision that was made on time may not be given out now. */
function lateness(
  { calendar, rules }: AskDeps,
  { barTime, content }: RecordedDecision,
  now: number,
): readonly RefusalReason[] {
  const { availableAt, session, definitionHash } = content
  const bar = { barTime, availableAt, session, flags: [], macroAgeMs: 0, definitionHash }
  const calendarSession = calendar.sessionOf(barTime)
  return barRefusals({ now, bar, calendarSession, rules: rules.gates })
}

async function recordRefusal(
  { ledger, policy, contract, onRefused }: AskDeps,
  { symbol, barTime, content }: RecordedDecision,
  decidedAt: number,
  reasons: readonly RefusalReason[],
  signal: AbortSignal,
): Promise<RecordedDecision> {
  const { session, availableAt } = content
  const entry = decisionEntry({
    trigger: 'request',
    bar: { symbol, barTime, session, availableAt },
    decidedAt,
    verdict: refuse(reasons),
    features: [],
    model: policy?.describe(),
    definitionHash: contract.definitionHash,
    contractHash: contract.contractHash,
  })
  const { id } = await ledger.append(entry, signal)
  onRefused(reasons)
  const recorded = await ledger.decision(id, signal)
  if (recorded === undefined) throw new ServiceError('ledger_broken', `${id} was not written`)
  return recorded
}
