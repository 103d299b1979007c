import type { ErrorCode } from '@usdcop/service/errors'
import { createCounter } from '@usdcop/service/tallies'
import { createVaultMetrics, type VaultMetrics } from '@usdcop/vault/metrics'
import { Counter, Gauge, type Registry } from 'prom-client'
import type { Action } from './audit.ts'

/** Every metric of this service. Labels: names of configured callers, `secrets-broker`, `unknown`, and closed unions. */
export interface BrokerMetrics extends VaultMetrics {
  request(caller: string, action: Action, outcome: 'ok' | ErrorCode): void
  redis(work: 'rotation' | 'reconciliation', outcome: 'ok' | ErrorCode): void
  watchRedis(told: {
    /** Each asked at a scrape; undefined where nothing is known yet. */
    readonly passwordsAccepted: () => number | undefined
    readonly msSinceRotation: () => number | undefined
  }): void
  /** What has come of the files of the broker's TLS, after the start. */
  certificateFiles(state: 'changed' | 'unusable'): void
  /** @param msLeft of the broker's own secret id, asked at each scrape */
  watchSecretId(msLeft: () => number): void
}

export function createBrokerMetrics(registry: Registry): BrokerMetrics {
  const registers = [registry]
  const requests = createCounter({
    name: 'usdcop_secrets_broker_requests_total',
    help: 'Requests by caller (unknown: nobody that we know), what they asked for, and ok or the code of the error.',
    labelNames: ['caller', 'action', 'outcome'],
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
  const certificateFiles = new Counter({
    name: 'usdcop_secrets_broker_certificate_file_events_total',
    help: 'What came of the files of the broker’s TLS: changed, or unusable (those before stay in use).',
    labelNames: ['state'],
    registers,
  })
  const vault = createVaultMetrics(registry, 'usdcop_secrets_broker')
  return {
    ...vault,
    observe(event) {
      if (event.kind === 'secret_id') secretIds.inc({ state: event.state })
      else vault.observe(event)
    },
    request: (caller, action, outcome) => requests.of(caller, action, outcome).inc(),
    certificateFiles: (state) => certificateFiles.inc({ state }),
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
  }
}
