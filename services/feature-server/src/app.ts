import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import type { OfflineWriter } from '@usdcop/feast/registry/offline-writer'
import type { Transformer } from '@usdcop/feast/serving/transform'
import type { Serving } from '@usdcop/feast/serving/ttl'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { createApp } from '@usdcop/service/app'
import type { Keyring } from '@usdcop/service/auth'
import type { DomainClock } from '@usdcop/service/clock'
import type { Logger } from '@usdcop/service/log'
import type { OidcUser } from '@usdcop/service/oidc'
import { traceRequests } from '@usdcop/tracing/requests'
import type { FastifyInstance } from 'fastify'
import type { Registry as MetricsRegistry } from 'prom-client'
import { createAccess } from './access/access.ts'
import { admitRequests, watchEventLoop } from './admission.ts'
import { renderFeastErrors } from './feast-errors.ts'
import { type Capacity, DEFAULT_LIMITS, type Limits } from './limits.ts'
import { createFeatureServerMetrics } from './metrics.ts'
import { getOnlineFeatures, ENDPOINT as ONLINE_FEATURES } from './routes/get-online-features.ts'
import { health } from './routes/health.ts'
import { materialize } from './routes/materialize.ts'
import { openApi } from './routes/openapi.ts'
import { push } from './routes/push.ts'
import { writeToOnlineStore } from './routes/write-to-online-store.ts'

export interface Deps {
  readonly logger: Logger
  readonly metrics: MetricsRegistry
  /** What `/metrics` answers; this process's own metrics unless given. */
  readonly metricsText?: (() => Promise<string>) | undefined
  /** The project's definitions, which may be replaced while we serve. */
  readonly registry: RegistrySource
  /** Stays open when the app closes: who opened it closes it. */
  readonly store: OnlineStore
  readonly materializer?: Materializer | undefined
  readonly offlineWriter?: OfflineWriter | undefined
  /** Runs on-demand views; those written in Python are refused by name unless given. */
  readonly transform?: Transformer | undefined
  /** Domain time: what a row's age is measured against. */
  readonly clock: DomainClock
  readonly serving: Serving
  /** Writing needs a key of role `writer`; reading beyond loopback one of role `reader`. */
  readonly keyring: Keyring
  /** Whose an OpenID Connect token is; with it, every route of Feast's needs a token. */
  readonly readToken?: ((token: string) => Promise<OidcUser>) | undefined
  /** The address the app will listen on. */
  readonly bindHost: string
  /** `DEFAULT_LIMITS` unless given. */
  readonly limits?: Limits & Capacity
}

/** Feast's feature server over one project and one online store. */
export function buildApp(deps: Deps): FastifyInstance {
  const { logger, store, serving, limits = DEFAULT_LIMITS } = deps
  const access = createAccess(deps)
  const app = createApp({
    logger,
    mayRead: access.guardMetrics,
    registry: deps.metrics,
    metricsText: deps.metricsText,
    probes: { online_store: (signal) => store.ping(signal) },
    bodyLimitBytes: limits.bodyBytes,
  })
  traceRequests(app)
  const metrics = createFeatureServerMetrics(deps.metrics, deps.registry, deps.clock)
  const loop = watchEventLoop(limits.eventLoopDelayMs)
  app.addHook('onClose', async () => loop.stop())
  health(app, store)
  openApi(app)
  // A scope of its own: Feast's routes take any content type and answer errors in Feast's shape.
  app.register(async (feast) => {
    feast.removeAllContentTypeParsers()
    feast.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    )
    // A request without a body has not been through the parser.
    feast.addHook('preValidation', (request, _reply, done) => {
      request.body ??= ''
      done()
    })
    feast.decorateRequest('identity', null)
    feast.setErrorHandler(renderFeastErrors(serving))
    feast.addHook('onResponse', (request, reply, done) => {
      const { url: endpoint = 'unknown' } = request.routeOptions
      metrics.requests.of(endpoint, reply.statusCode < 400 ? 'success' : 'error').inc()
      // The hot route tells the size of what it answered with as well.
      if (endpoint !== ONLINE_FEATURES)
        metrics.latency.of(endpoint, '', '').observe(reply.elapsedTime / 1_000)
      done()
    })
    admitRequests(feast, {
      maxConcurrent: limits.concurrentRequests,
      timeoutMs: limits.requestTimeoutMs,
      overloaded: () => loop.overloaded(),
    })
    const parts = { ...deps, access, metrics, limits }
    getOnlineFeatures(feast, parts)
    push(feast, parts)
    writeToOnlineStore(feast, parts)
    materialize(feast, parts)
  })
  return app
}
