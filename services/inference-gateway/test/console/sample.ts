import type {
  ConsoleBar,
  ConsoleDecision,
  ConsoleEquity,
  ConsoleSnapshot,
  ConsoleStatus,
  ConsoleTick,
} from '../../console/wire.d.ts'

export const BAR_MS = 300_000
/** Thursday 26 June 2025, 13:00 UTC. */
export const OPENING = Date.UTC(2025, 5, 26, 13)
export const INITIAL_CASH = 450_000_000

/** A flat bar at place `index` of the session `days` after the first. */
export function barAt(index: number, close: number, days = 0): ConsoleBar {
  const barTime = OPENING + days * 86_400_000 + index * BAR_MS
  const session = new Date(barTime).toISOString().slice(0, 10)
  return { barTime, open: close, high: close, low: close, close, session }
}

export function decisionAt(
  { barTime }: ConsoleBar,
  signal: ConsoleDecision['signal'],
  reasons: string[] = [],
): ConsoleDecision {
  return {
    id: `d${barTime}`,
    seq: barTime / BAR_MS,
    barTime,
    decidedAt: barTime + BAR_MS,
    signal,
    action: signal === null ? null : 0.5,
    reasons,
    latencyMs: 2,
  }
}

export function equityAt({ barTime, close }: ConsoleBar, equity: number): ConsoleEquity {
  return { barTime, availableAt: barTime + BAR_MS, equity, cash: equity, position: 0, close }
}

export function tickAt(bar: ConsoleBar, changes: Partial<ConsoleTick> = {}): ConsoleTick {
  return {
    now: bar.barTime + BAR_MS,
    bar,
    decision: decisionAt(bar, 'FLAT'),
    fills: [],
    equity: equityAt(bar, INITIAL_CASH),
    features: [],
    account: {
      position: 0,
      pendingTarget: null,
      cash: INITIAL_CASH,
      equity: INITIAL_CASH,
      initialCash: INITIAL_CASH,
      currency: 'COP',
      costsPaid: 0,
      peakEquity: INITIAL_CASH,
      deepestDrawdown: 0,
    },
    latency: { p50Ms: 2, p99Ms: 4, stages: { features: 1, model: 0.1, ledger: 0.8, total: 2 } },
    ...changes,
  }
}

export function statusAt(now: number, changes: Partial<ConsoleStatus> = {}): ConsoleStatus {
  return {
    mode: 'replay',
    state: 'running',
    speed: 1,
    now,
    from: '2025-06-26',
    to: '2025-06-30',
    progress: { done: 1, total: 10 },
    ...changes,
  }
}

/** A snapshot taken after `ticks`. */
export function snapshotOf(ticks: ConsoleTick[]): ConsoleSnapshot {
  return {
    status: statusAt(ticks.at(-1)?.now ?? OPENING),
    symbol: 'USD/COP',
    contract: { version: 'v1', definitionHash: 'd', contractHash: 'c' },
    model: null,
    bars: ticks.map(({ bar }) => bar),
    decisions: ticks.flatMap(({ decision }) => decision ?? []),
    fills: ticks.flatMap(({ fills }) => fills),
    equity: ticks.map(({ equity }) => equity),
    last: ticks.at(-1) ?? null,
  }
}
