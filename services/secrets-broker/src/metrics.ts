import type { ErrorCode } from '@usdcop/service/errors'
import { LATENCY_BUCKETS_SECONDS } from '@usdcop/service/metrics'
import { createCounter } from '@usdcop/service/tallies'
import type { Observe } from '@usdcop/vault/events'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Action } from './audit.ts'

/** Every metric of this service. Labels: names of configured callers, `secrets-broker`, `unknown`, and closed unions. */
export interface BrokerMetrics {
  /** For `createVaultServer`. */
  readonly observe: Observe
  request(caller: string, action: Action, outcome: 'ok' | ErrorCode): void
  /** @param msLeft by identity, asked at each scrape */
  watchTokens(msLeft: () => ReadonlyMap<string, number>): void
}

export function createBrokerMetrics(registry: Registry): BrokerMetrics {
  const registers = [registry]
  const requests = createCounter({
    name: 'usdcop_secrets_broker_requests_total',
    help: 'Requests by caller (unknown: nobody that we know), what they asked for, and ok or the code of the error.',
    labelNames: ['caller', 'action', 'outcome'],
    registers,
  })
  const attempts = new Counter({
    name: 'usdcop_secrets_broker_vault_requests_total',
    help: 'Requests to Vault by identity, operation, and ok or the code of the error.',
    labelNames: ['identity', 'operation', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'usdcop_secrets_broker_vault_request_duration_seconds',
    help: 'Time Vault took to answer, by operation.',
    labelNames: ['operation'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  })
  const reads = createCounter({
    name: 'usdcop_secrets_broker_reads_total',
    help: 'Secrets read for callers, by where the answer is from: fresh, shared, cached, or stale (Vault does not answer).',
    labelNames: ['identity', 'answer'],
    registers,
  })
  const tokens = new Counter({
    name: 'usdcop_secrets_broker_token_events_total',
    help: 'What became of tokens: obtained, renewed, capped, refused, failed, lapsed, released.',
    labelNames: ['identity', 'state'],
    registers,
  })
  const alerts = new Counter({
    name: 'usdcop_secrets_broker_alerts_total',
    help: 'Wrapping tokens that somebody else has opened. A person has to look.',
    labelNames: ['identity', 'alert'],
    registers,
  })
  const up = new Gauge({
    name: 'usdcop_secrets_broker_vault_up',
    help: '1 while requests are sent to Vault, 0 while it is only asked whether it is back.',
    registers,
  })
  up.set(1)
  return {
    observe(event) {
      if (event.kind === 'request') {
        const { identity, operation, outcome, ms } = event
        attempts.inc({ identity, operation, outcome })
        seconds.observe({ operation }, ms / 1_000)
      } else if (event.kind === 'read') {
        reads.of(event.identity, event.answer).inc()
      } else if (event.kind === 'token') {
        tokens.inc({ identity: event.identity, state: event.state })
      } else if (event.kind === 'alert') {
        alerts.inc({ identity: event.identity, alert: event.alert })
      } else if (event.kind === 'server') {
        up.set(event.up ? 1 : 0)
      }
    },
    request: (caller, action, outcome) => requests.of(caller, action, outcome).inc(),
    watchTokens(msLeft) {
      new Gauge({
        name: 'usdcop_secrets_broker_token_seconds_left',
        help: 'What is left of the token of an identity; 0 without a valid one.',
        labelNames: ['identity'],
        registers,
        collect() {
          this.reset()
          for (const [identity, ms] of msLeft()) this.set({ identity }, ms / 1_000)
        },
      })
    },
  }
}
