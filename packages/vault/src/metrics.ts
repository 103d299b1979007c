import { LATENCY_BUCKETS_SECONDS } from '@usdcop/service/metrics'
import { createCounter } from '@usdcop/service/tallies'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Observe } from './events.ts'

/** What Vault lends and answers, as metrics. Labels are names of identities and roles, and closed unions. */
export interface VaultMetrics {
  /** For `createVaultServer`. */
  readonly observe: Observe
  /** @param msLeft by identity, asked at each scrape */
  watchTokens(msLeft: () => ReadonlyMap<string, number>): void
  /** @param msLeft by `mount/role`, asked at each scrape */
  watchLeases(msLeft: () => ReadonlyMap<string, number>): void
}

/** @param prefix before each name: `usdcop_secrets` of a service */
export function createVaultMetrics(registry: Registry, prefix: string): VaultMetrics {
  const registers = [registry]
  const attempts = new Counter({
    name: `${prefix}_vault_requests_total`,
    help: 'Requests to Vault by identity, operation, and ok or the code of the error.',
    labelNames: ['identity', 'operation', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: `${prefix}_vault_request_duration_seconds`,
    help: 'Time Vault took to answer, by operation.',
    labelNames: ['operation'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers,
  })
  // Counted for every request that a kept secret answers.
  const reads = createCounter({
    name: `${prefix}_reads_total`,
    help: 'Secrets read, by where the answer is from: fresh, shared, cached, or stale (Vault does not answer).',
    labelNames: ['identity', 'answer'],
    registers,
  })
  const tokens = new Counter({
    name: `${prefix}_token_events_total`,
    help: 'What became of tokens: obtained (a login), renewed, capped, refused, failed, lapsed, released.',
    labelNames: ['identity', 'state'],
    registers,
  })
  const leases = new Counter({
    name: `${prefix}_lease_events_total`,
    help: 'What became of database users that Vault makes: as of tokens.',
    labelNames: ['lease', 'state'],
    registers,
  })
  const alerts = new Counter({
    name: `${prefix}_alerts_total`,
    help: 'Wrapping tokens that somebody else has opened. A person has to look.',
    labelNames: ['identity', 'alert'],
    registers,
  })
  const up = new Gauge({
    name: `${prefix}_vault_up`,
    help: '1 while requests are sent to Vault, 0 while it is only asked whether it is back.',
    registers,
  })
  up.set(1)
  const authorities = new Counter({
    name: `${prefix}_vault_authority_events_total`,
    help: 'What the file of the authority of Vault has come to: changed, or unusable (the one before is trusted).',
    labelNames: ['state'],
    registers,
  })

  function watch(
    name: string,
    help: string,
    label: string,
    msLeft: () => ReadonlyMap<string, number>,
  ): void {
    new Gauge({
      name: `${prefix}_${name}`,
      help,
      labelNames: [label],
      registers,
      collect() {
        this.reset()
        for (const [key, ms] of msLeft()) this.set({ [label]: key }, ms / 1_000)
      },
    })
  }

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
      } else if (event.kind === 'lease') {
        leases.inc({ lease: event.lease, state: event.state })
      } else if (event.kind === 'alert') {
        alerts.inc({ identity: event.identity, alert: event.alert })
      } else if (event.kind === 'server') {
        up.set(event.up ? 1 : 0)
      } else if (event.kind === 'authority') {
        authorities.inc({ state: event.state })
      }
    },
    watchTokens: (msLeft) =>
      watch(
        'token_seconds_left',
        'What is left of the token of an identity; 0 without a valid one.',
        'identity',
        msLeft,
      ),
    watchLeases: (msLeft) =>
      watch(
        'lease_seconds_left',
        'What is left of the lease of a database user; 0 without a valid one.',
        'lease',
        msLeft,
      ),
  }
}
