import type { ErrorCode } from '@usdcop/service/errors'
import { LATENCY_BUCKETS_SECONDS } from '@usdcop/service/metrics'
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
  redis(work: 'rotation' | 'reconciliation', outcome: 'ok' | ErrorCode): void
  watchRedis(told: {
    /** Each asked at a scrape; undefined where nothing is known yet. */
    readonly passwordsAccepted: () => number | undefined
    readonly msSinceRotation: () => number | undefined
  }): void
  /** @param msLeft of the broker's own secret id, asked at each scrape */
  watchSecretId(msLeft: () => number): void
}

export function createBrokerMetrics(registry: Registry): BrokerMetrics {
  const registers = [registry]
  const requests = new Counter({
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
  const reads = new Counter({
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
  const secretIds = new Counter({
    name: 'usdcop_secrets_broker_secret_id_events_total',
    help: 'What became of the broker’s own secret id: rotated, refused, failed, destroyed.',
    labelNames: ['state'],
    registers,
  })
  const redis = new Counter({
    name: 'usdcop_secrets_broker_redis_work_total',
    help: 'Rotations of Redis’ password and reconciliations with what Vault says, by ok or the code of the error.',
    labelNames: ['work', 'outcome'],
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
        reads.inc({ identity: event.identity, answer: event.answer })
      } else if (event.kind === 'token') {
        tokens.inc({ identity: event.identity, state: event.state })
      } else if (event.kind === 'alert') {
        alerts.inc({ identity: event.identity, alert: event.alert })
      } else if (event.kind === 'secret_id') {
        secretIds.inc({ state: event.state })
      } else if (event.kind === 'server') {
        up.set(event.up ? 1 : 0)
      }
    },
    request: (caller, action, outcome) => requests.inc({ caller, action, outcome }),
    redis: (work, outcome) => redis.inc({ work, outcome }),
    watchRedis({ passwordsAccepted, msSinceRotation }) {
      const gauge = (name: string, help: string, ask: () => number | undefined) =>
        new Gauge({
          name: `usdcop_secrets_broker_redis_${name}`,
          help,
          registers,
          collect() {
            const value = ask()
            this.remove()
            if (value !== undefined) this.set(value)
          },
        })
      gauge(
        'passwords_accepted',
        'How many passwords Redis accepts of the user that is rotated: one, but for a grace after a rotation.',
        passwordsAccepted,
      )
      gauge('seconds_since_rotation', 'Since Redis’ secret was last written.', () => {
        const ms = msSinceRotation()
        return ms === undefined ? undefined : ms / 1_000
      })
    },
    watchSecretId(msLeft) {
      new Gauge({
        name: 'usdcop_secrets_broker_secret_id_seconds_left',
        help: 'What is left of the broker’s own secret id; 0 where it is not known.',
        registers,
        collect() {
          this.set(msLeft() / 1_000)
        },
      })
    },
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
