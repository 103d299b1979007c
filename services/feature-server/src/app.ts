import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import type { Serving } from '@usdcop/feast/serving/ttl'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { createApp } from '@usdcop/service/app'
import { guardReads, type Keyring } from '@usdcop/service/auth'
import type { DomainClock } from '@usdcop/service/clock'
import type { Logger } from '@usdcop/service/log'
import { traceRequests } from '@usdcop/tracing/requests'
import type { FastifyInstance } from 'fastify'
import type { Registry as MetricsRegistry } from 'prom-client'
import { renderFeastErrors } from './feast-errors.ts'
import { createFeatureServerMetrics } from './metrics.ts'
import { getOnlineFeatures } from './routes/get-online-features.ts'
import { health } from './routes/health.ts'
import { push } from './routes/push.ts'

export interface Deps {
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** The project's definitions, which may be replaced while we serve. */
  readonly registry: RegistrySource
  /** Stays open when the app closes: who opened it closes it. */
  readonly store: OnlineStore
  /** Domain time: what a row's age is measured against. */
  readonly clock: DomainClock
  readonly serving: Serving
  /** Pushing needs a key of role `writer`; reading beyond loopback one of role `reader`. */
  readonly keyring: Keyring
  /** The address the app will listen on. */
  readonly bindHost: string
}

/** Room for 10,000 entity names; a request of more rows than that is refused by its cells anyway. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024

/** Feast's feature server over one project and one online store. */
export function buildApp(deps: Deps): FastifyInstance {
  const { logger, store, keyring, bindHost, serving } = deps
  const mayRead = guardReads(keyring, bindHost)
  const app = createApp({
    logger,
    mayRead,
    registry: deps.metrics,
    probes: { online_store: (signal) => store.ping(signal) },
    bodyLimitBytes: BODY_LIMIT_BYTES,
  })
  traceRequests(app)
  const metrics = createFeatureServerMetrics(deps.metrics)
  health(app, store)
  // A scope of its own: Feast's routes take any content type and answer errors in Feast's shape.
  app.register(async (feast) => {
    feast.removeAllContentTypeParsers()
    feast.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    )
    feast.setErrorHandler(renderFeastErrors(serving))
    feast.addHook('onResponse', async (request, reply) => {
      const endpoint = request.routeOptions.url ?? 'unknown'
      const status = reply.statusCode < 400 ? 'success' : 'error'
      metrics.requests.inc({ endpoint, status })
    })
    feast.register(async (reads) => {
      reads.addHook('onRequest', mayRead)
      getOnlineFeatures(reads, { ...deps, metrics })
    })
    push(feast, { ...deps, metrics })
  })
  return app
}
