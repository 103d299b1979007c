import type { Json } from '@usdcop/decision/canonical'
import type { EntryContent } from '@usdcop/decision/chain'
import type { Expiry, Fill } from '@usdcop/decision/execution'
import type { Signal, Target } from '@usdcop/decision/mapping'
import type { RefusalReason } from '@usdcop/decision/reasons'
import type { Verdict } from '@usdcop/decision/verdict'
import type { BarClosed } from './event.ts'
import type { PolicyDescription } from './model/run.ts'
import type { Observed, SeenFeature } from './observe.ts'

/**
 * `bar`: the one decision a closed bar gets, and its fill. `request`: a refusal given to a late
 * question, which moves no account. `session_end`: an order that nothing could fill any more.
 */
export type Trigger = 'bar' | 'request' | 'session_end'

/** What the ledger says about a decision; domain content only. Instants in epoch ms. */
export interface DecisionContent {
  readonly session: string
  readonly availableAt: number
  readonly decidedAt: number
  readonly outcome: Verdict['outcome']
  readonly signal: Signal | null
  readonly target: Target | null
  readonly action: number | null
  readonly rawAction: number | null
  readonly reasons: readonly RefusalReason[]
  /** The 15, raw and normalised, each with its status and event time; none for a late question. */
  readonly features: readonly SeenFeature[]
  readonly model: PolicyDescription | null
  readonly definitionHash: string
  readonly contractHash: string
}

export interface DecisionFacts {
  readonly trigger: Exclude<Trigger, 'session_end'>
  readonly bar: Pick<BarClosed, 'symbol' | 'barTime' | 'availableAt' | 'session'>
  readonly decidedAt: number
  readonly verdict: Verdict
  readonly features: Observed['features']
  readonly model: PolicyDescription | undefined
  readonly definitionHash: string
  readonly contractHash: string
}

export function decisionEntry(facts: DecisionFacts): EntryContent {
  const { trigger, bar, decidedAt, verdict, features, model } = facts
  const { outcome, signal, target, action, rawAction, reasons } = verdict
  const content: DecisionContent = {
    session: bar.session,
    availableAt: bar.availableAt,
    decidedAt,
    outcome,
    signal,
    target,
    action,
    rawAction,
    reasons,
    features,
    model: model ?? null,
    definitionHash: facts.definitionHash,
    contractHash: facts.contractHash,
  }
  return entry('decision', bar, trigger, content)
}

export function fillEntry(symbol: string, fill: Fill): EntryContent {
  return entry('fill', { symbol, barTime: fill.barTime }, 'bar', fill)
}

export function expiryEntry(symbol: string, expiry: Expiry): EntryContent {
  return entry('expiry', { symbol, barTime: expiry.barTime }, 'session_end', expiry)
}

function entry(
  kind: EntryContent['kind'],
  { symbol, barTime }: Pick<BarClosed, 'symbol' | 'barTime'>,
  trigger: Trigger,
  content: object,
): EntryContent {
  // The interfaces above hold JSON and nothing else; an interface has no index signature to prove it.
  return { kind, symbol, barTime, trigger, content: content as Json }
}
