import type { ErrorCode } from '@usdcop/service/errors'
import { createVaultMetrics, type VaultMetrics } from '@usdcop/vault/metrics'
import { Counter, type Registry } from 'prom-client'
import type { Action } from './audit.ts'

/** Every metric of this service. Labels: names of configured callers, `secrets-broker`, `unknown`, and closed unions. */
export interface BrokerMetrics extends VaultMetrics {
  request(caller: string, action: Action, outcome: 'ok' | ErrorCode): void
}

export function createBrokerMetrics(registry: Registry): BrokerMetrics {
  const requests = new Counter({
    name: 'usdcop_secrets_broker_requests_total',
    help: 'Requests by caller (unknown: nobody that we know), what they asked for, and ok or the code of the error.',
    labelNames: ['caller', 'action', 'outcome'],
    registers: [registry],
  })
  return {
    ...createVaultMetrics(registry, 'usdcop_secrets_broker'),
    request: (caller, action, outcome) => requests.inc({ caller, action, outcome }),
  }
}
