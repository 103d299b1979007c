import type { RefusalReason } from '@usdcop/decision/reasons'
import { LATENCY_BUCKETS_SECONDS } from '@usdcop/service/metrics'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Trigger } from './record.ts'

export type Outcome = 'LONG' | 'SHORT' | 'FLAT' | 'no_action'
export type Stage = 'features' | 'model' | 'ledger' | 'total'

export interface GatewayMetrics {
  readonly decisions: Counter<'outcome' | 'trigger'>
  readonly refusals: Counter<'reason'>
  readonly stages: Histogram<'stage'>
  readonly fills: Counter
  readonly lagEvents: Gauge
  readonly consumerFailures: Counter
  readonly pushFailures: Counter
  readonly equity: Gauge<'symbol'>
  readonly position: Gauge<'symbol'>
  readonly streams: Gauge
}

/** Every metric of this service; labels come from closed sets and the symbols that are traded. */
export function createGatewayMetrics(registry: Registry): GatewayMetrics {
  const registers = [registry]
  return {
    decisions: new Counter({
      name: 'usdcop_gateway_decisions_total',
      help: 'Decisions written to the ledger, by outcome and by what asked for them.',
      labelNames: ['outcome', 'trigger'],
      registers,
    }),
    refusals: new Counter({
      name: 'usdcop_gateway_refusals_total',
      help: 'Reasons given for no_action; a decision may give several.',
      labelNames: ['reason'],
      registers,
    }),
    stages: new Histogram({
      name: 'usdcop_gateway_decision_stage_duration_seconds',
      help: 'Time of one decision and of its stages: features, model, ledger, total.',
      labelNames: ['stage'],
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }),
    fills: new Counter({
      name: 'usdcop_gateway_fills_total',
      help: 'Paper orders filled.',
      registers,
    }),
    lagEvents: new Gauge({
      name: 'usdcop_gateway_consumer_lag_events',
      help: 'Outbox events that may be decided on and are not yet.',
      registers,
    }),
    consumerFailures: new Counter({
      name: 'usdcop_gateway_consumer_failures_total',
      help: 'Attempts to process the outbox that failed and will be repeated.',
      registers,
    }),
    pushFailures: new Counter({
      name: 'usdcop_gateway_push_failures_total',
      help: 'Pushes of state_features that did not arrive.',
      registers,
    }),
    equity: new Gauge({
      name: 'usdcop_gateway_account_equity_cop',
      help: 'Paper equity at the close of the newest bar.',
      labelNames: ['symbol'],
      registers,
    }),
    position: new Gauge({
      name: 'usdcop_gateway_account_position_units',
      help: 'Paper position in units of the notional, from -1 to 1.',
      labelNames: ['symbol'],
      registers,
    }),
    streams: new Gauge({
      name: 'usdcop_gateway_console_streams',
      help: 'Consoles that are listening.',
      registers,
    }),
  }
}

export function countDecision(
  metrics: GatewayMetrics,
  trigger: Trigger,
  outcome: Outcome,
  reasons: readonly RefusalReason[],
): void {
  metrics.decisions.inc({ outcome, trigger })
  for (const reason of reasons) metrics.refusals.inc({ reason })
}
