import type { Account, EquityPoint, ExecutionRules, Fill } from '@usdcop/decision/execution'
import type { Decided } from '../decide.ts'
import type { LatencyWindow, StageMs } from '../latency.ts'
import type { RecordedDecision } from '../ledger.ts'
import type { ConsoleBar, ConsoleDecision, ConsoleFill, ConsoleTick } from './wire.ts'

/** The tick of a bar just dealt with. */
export function tickOf(
  { event, decidedAt, verdict, step, account, features, entries, stages }: Decided,
  rules: ExecutionRules,
  window: LatencyWindow,
): ConsoleTick {
  const { barTime, open, high, low, close, session } = event
  const entry = entries.find(({ kind }) => kind === 'decision')
  const { signal, action, reasons } = verdict
  const latencyMs = stages.total
  return {
    now: decidedAt,
    bar: { barTime, open, high, low, close, session },
    decision: entry
      ? { id: entry.id, seq: entry.seq, barTime, decidedAt, signal, action, reasons, latencyMs }
      : null,
    fills: step.fill === null ? [] : [consoleFill(step.fill)],
    equity: step.mark,
    features,
    account: consoleAccount(account, step.mark, rules),
    latency: latencyOf(window, stages),
  }
}

export interface StoredTick {
  readonly bar: ConsoleBar
  readonly decision: RecordedDecision
  readonly fills: readonly ConsoleFill[]
  readonly mark: EquityPoint
  readonly account: Account
}

const UNTIMED: StageMs = { features: 0, model: 0, ledger: 0, total: 0 }

/** The same tick from the record, for a console that opens before the next bar closes. */
export function tickFromRecord(
  { bar, decision, fills, mark, account }: StoredTick,
  rules: ExecutionRules,
  window: LatencyWindow,
): ConsoleTick {
  return {
    now: decision.content.decidedAt,
    bar,
    decision: consoleDecision(decision),
    fills: fills.filter(({ barTime }) => barTime === bar.barTime),
    equity: mark,
    features: decision.content.features,
    account: consoleAccount(account, mark, rules),
    latency: latencyOf(window, UNTIMED),
  }
}

export function consoleDecision(recorded: RecordedDecision): ConsoleDecision {
  const { id, seq, barTime, content, latencyMs } = recorded
  const { decidedAt, signal, action, reasons } = content
  return { id, seq, barTime, decidedAt, signal, action, reasons, latencyMs: latencyMs ?? 0 }
}

export function consoleFill({ barTime, from, to, price, cost }: Fill): ConsoleFill {
  return { barTime, from, to, price, costCop: cost }
}

function consoleAccount(
  { position, pending, cash, costsPaid, peakEquity, deepestDrawdown }: Account,
  { equity }: EquityPoint,
  { initialCash, currency }: ExecutionRules,
): ConsoleTick['account'] {
  const sinceStart = { costsPaid, peakEquity, deepestDrawdown }
  const pendingTarget = pending?.target ?? null
  return { position, pendingTarget, cash, equity, initialCash, currency, ...sinceStart }
}

function latencyOf(window: LatencyWindow, stages: StageMs): ConsoleTick['latency'] {
  return { p50Ms: window.percentileMs(0.5), p99Ms: window.percentileMs(0.99), stages }
}
