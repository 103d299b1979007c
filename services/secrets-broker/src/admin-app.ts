import { createApp } from '@usdcop/service/app'
import { assertRole, bearerOf, type Keyring } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import { checkHost, LOOPBACK_NAMES } from '@usdcop/service/host-check'
import type { Logger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import type { FastifyInstance } from 'fastify'
import type { Audit } from './audit.ts'
import type { CallerSecrets } from './caller-secrets.ts'
import type { Callers } from './callers.ts'
import { demandDirect } from './direct-requests.ts'
import type { BrokerMetrics } from './metrics.ts'
import { callers as callerRoutes } from './routes/callers.ts'
import { type RotationsDeps, rotations } from './routes/rotations.ts'
import { tellOfRequests, toldOf } from './told.ts'

export interface AdminDeps extends RotationsDeps {
  readonly logger: Logger
  readonly metrics: BrokerMetrics
  readonly audit: Audit
  readonly callers: Callers
  readonly secrets: CallerSecrets
  /** Operators' keys; all of this needs the role `admin`. */
  readonly keyring: Keyring
}

/** What operators do with the broker: a listener of its own, on loopback alone. */
export function buildAdminApp(deps: AdminDeps): FastifyInstance {
  const { keyring } = deps
  const app = createApp({
    logger: deps.logger,
    // Its requests are counted with the others; what stands here is not scraped.
    registry: createRegistry('secrets-broker-admin'),
    mayRead: checkHost(LOOPBACK_NAMES),
    bodyLimitBytes: 1_024,
    probes: {},
  })
  app.register(async (scope) => {
    tellOfRequests(scope, deps)
    scope.addHook('onRequest', demandDirect(LOOPBACK_NAMES))
    scope.addHook('onRequest', async (request) => {
      const key = keyring.find(bearerOf(request))
      if (key === undefined)
        throw new ServiceError('unauthenticated', 'the bearer token is not known')
      const told = toldOf(request)
      told.caller = key.name
      told.way = 'bearer'
      assertRole(key, 'admin')
    })
    callerRoutes(scope, deps)
    rotations(scope, deps)
  })
  return app
}
