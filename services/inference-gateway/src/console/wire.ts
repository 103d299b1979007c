import type { FeatureStatus } from '@usdcop/decision/gates'
import type { Signal } from '@usdcop/decision/mapping'

/** What the console is sent; `console/wire.d.ts` is the same seen from there. Instants in epoch ms. */
export interface ConsoleBar {
  readonly barTime: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly session: string
}

export interface ConsoleDecision {
  readonly id: string
  readonly seq: number
  readonly barTime: number
  readonly decidedAt: number
  readonly signal: Signal | null
  readonly action: number | null
  readonly reasons: readonly string[]
  readonly latencyMs: number
}

export interface ConsoleFill {
  readonly barTime: number
  readonly from: number
  readonly to: number
  readonly price: number
  readonly costCop: number
}

export interface ConsoleEquity {
  readonly barTime: number
  readonly availableAt: number
  readonly equity: number
  readonly cash: number
  readonly position: number
  readonly close: number
}

export interface ConsoleFeature {
  readonly name: string
  readonly view: string
  readonly value: number | null
  readonly normalised: number | null
  readonly status: FeatureStatus
  readonly eventTimestamp: number | null
}

export interface ConsoleTick {
  readonly now: number
  readonly bar: ConsoleBar
  readonly decision: ConsoleDecision | null
  readonly fills: readonly ConsoleFill[]
  readonly equity: ConsoleEquity
  readonly features: readonly ConsoleFeature[]
  readonly account: {
    readonly position: number
    readonly pendingTarget: number | null
    readonly cash: number
    readonly equity: number
    readonly initialCash: number
    readonly currency: string
    /** Since the account was opened, however few bars are sent. */
    readonly costsPaid: number
    readonly peakEquity: number
    readonly deepestDrawdown: number
  }
  readonly latency: {
    readonly p50Ms: number
    readonly p99Ms: number
    readonly stages: {
      readonly features: number
      readonly model: number
      readonly ledger: number
      readonly total: number
    }
  }
}

export interface ConsoleStatus {
  readonly mode: 'replay' | 'demo' | 'live'
  readonly state: 'loading' | 'running' | 'finished'
  /** Of a replay bars a second, null as fast as possible; of a demo market seconds a second. */
  readonly speed: number | null
  readonly now: number
  readonly from: string | null
  readonly to: string | null
  readonly progress: { readonly done: number; readonly total: number } | null
}

export interface ConsoleSnapshot {
  readonly status: ConsoleStatus
  readonly symbol: string
  readonly contract: {
    readonly version: string
    readonly definitionHash: string
    readonly contractHash: string
  }
  readonly model: {
    readonly name: string
    readonly version: string
    readonly sha256: string
  } | null
  readonly bars: readonly ConsoleBar[]
  readonly decisions: readonly ConsoleDecision[]
  readonly fills: readonly ConsoleFill[]
  readonly equity: readonly ConsoleEquity[]
  readonly last: ConsoleTick | null
}
