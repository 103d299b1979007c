import type { Signal } from '@usdcop/decision/mapping'
import type { RefusalReason } from '@usdcop/decision/reasons'

export interface TracedDecision {
  readonly symbol: string
  readonly trigger: string
  readonly signal: Signal | null
  readonly reasons: readonly RefusalReason[]
}

/** A decision as its span shows it, in the words of the metrics' labels. No value of a feature. */
export function decisionAttributes({ symbol, trigger, signal, reasons }: TracedDecision) {
  return {
    'usdcop.symbol': symbol,
    'usdcop.decision.trigger': trigger,
    'usdcop.decision.outcome': signal ?? 'no_action',
    ...(reasons.length > 0 && { 'usdcop.decision.reasons': [...reasons] }),
  }
}
