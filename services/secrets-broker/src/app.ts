import type { ServerOptions } from 'node:https'
import { createApp } from '@usdcop/service/app'
import { guardReads, isLoopback, type Keyring } from '@usdcop/service/auth'
import { ProbedState } from '@usdcop/service/health'
import { LOOPBACK_NAMES } from '@usdcop/service/host-check'
import type { Logger } from '@usdcop/service/log'
import { traceRequests } from '@usdcop/tracing/requests'
import { answersRequests } from '@usdcop/vault/health'
import type { Identity } from '@usdcop/vault/identity'
import type { VaultServer } from '@usdcop/vault/vault-server'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { createAdmission, type Limits } from './admission.ts'
import type { Audit } from './audit.ts'
import type { CallerSecrets } from './caller-secrets.ts'
import type { Callers } from './callers.ts'
import type { CertificateEnds } from './certificate-ends.ts'
import { demandDirect } from './direct-requests.ts'
import type { Issuer } from './issuer.ts'
import type { BrokerMetrics } from './metrics.ts'
import { identity } from './routes/identity.ts'
import { secrets } from './routes/secrets.ts'
import { tellOfRequests } from './told.ts'

export interface Deps {
  readonly logger: Logger
  readonly registry: Registry
  readonly metrics: BrokerMetrics
  readonly audit: Audit
  readonly callers: Callers
  readonly issuer: Issuer
  readonly certificates: CertificateEnds
  readonly secrets: CallerSecrets
  /** Where KV version 2 is. */
  readonly mount: string
  readonly server: Pick<VaultServer, 'health'>
  /** The broker's own. */
  readonly identity: Pick<Identity, 'tokenMsLeft'>
  /** Operators' keys: beyond loopback `/metrics` needs one. */
  readonly keyring: Keyring
  /** The address the app will listen on. */
  readonly bindHost: string
  /** Names that callers know it by, beside those of loopback. */
  readonly hosts: readonly string[]
  readonly limits: Limits
  /** Without it the app speaks HTTP, and knows callers by their tokens alone. */
  readonly tls?: ServerOptions | undefined
  /** Monotonic, milliseconds. */
  readonly now: () => number
}

/** No request here brings more than an empty object. */
const BODY_LIMIT_BYTES = 1_024

/** The broker as its callers see it. */
export function buildApp(deps: Deps): FastifyInstance {
  const { callers, limits, now, bindHost } = deps
  const app = createApp({
    logger: deps.logger,
    registry: deps.registry,
    mayRead: guardReads(deps.keyring, bindHost),
    bodyLimitBytes: BODY_LIMIT_BYTES,
    tls: deps.tls,
    probes: {
      async vault(signal) {
        // At the signal it is as good as away.
        const health = await deps.server.health(signal).catch(() => 'unreachable' as const)
        return new ProbedState(answersRequests(health), health)
      },
      identity: async () => {
        const held = deps.identity.tokenMsLeft() > 0
        return new ProbedState(held, held ? 'held' : 'none')
      },
    },
  })
  traceRequests(app)
  const admission = createAdmission({ callers, revocations: deps.secrets, limits, now })
  const hosts = [...LOOPBACK_NAMES, ...deps.hosts, ...(isLoopback(bindHost) ? [bindHost] : [])]
  app.register(async (scope) => {
    tellOfRequests(scope, deps)
    scope.addHook('onRequest', demandDirect(hosts))
    scope.addHook('onRequest', admission.admit)
    identity(scope, { ...deps, admission })
    secrets(scope, { ...deps, admission })
  })
  return app
}
