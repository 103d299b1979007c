import { randomUUID } from 'node:crypto'
import type { ServerOptions } from 'node:https'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify'
import type { Registry } from 'prom-client'
import { clientErrorResponse, renderError } from './error-renderer.ts'
import { ServiceError } from './errors.ts'
import { healthRoutes, type Probe } from './health.ts'
import type { Logger } from './log.ts'
import { createRequestHistogram } from './metrics.ts'

export interface AppOptions {
  readonly logger: Logger
  readonly registry: Registry
  /** What `/metrics` answers; the registry's own metrics unless given. */
  readonly metricsText?: (() => Promise<string>) | undefined
  /** Asked by `/readyz`; named as an operator would name the dependency. */
  readonly probes: Readonly<Record<string, Probe>>
  /** Asked before `/metrics` answers; `guardReads` makes it. Health answers everybody. */
  readonly mayRead: (request: FastifyRequest) => Promise<void>
  /** Bytes of a request body; 1 MiB unless given. */
  readonly bodyLimitBytes?: number
  /** With it the app speaks TLS and nothing else. */
  readonly tls?: ServerOptions | undefined
}

const REQUEST_TIMEOUT_MS = 30_000
/** Longer than usual load balancers keep an idle connection, so that they close it and not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000

/**
 * The Fastify app every service starts from: limits, request ids, our error body, `/livez`,
 * `/readyz` and `/metrics`. The caller adds its routes, listens and closes.
 */
export function createApp({
  logger,
  registry,
  metricsText = () => registry.metrics(),
  probes,
  mayRead,
  bodyLimitBytes,
  tls,
}: AppOptions): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = logger
  const app: FastifyInstance = Fastify({
    ...(tls !== undefined && { https: tls }),
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    // A logger for each request costs more than finding its route, and hardly any request writes a line: those
    // that do name it by `requestId`.
    childLoggerFactory: (parent) => parent,
    bodyLimit: bodyLimitBytes ?? 1024 * 1024,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    requestIdHeader: false,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    frameworkErrors: renderError,
    clientErrorHandler: clientErrorResponse,
  })
  app.setErrorHandler(renderError)
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) =>
    renderError(
      new ServiceError('not_found', `no route ${request.method} ${pathOf(request)}`),
      request,
      reply,
    ),
  )
  measureRequests(app, registry)
  healthRoutes(app, probes)
  app.get('/metrics', { onRequest: mayRead }, async (_request, reply) =>
    reply.type(registry.contentType).send(await metricsText()),
  )
  return app
}

/** A caller's own id is kept when it is harmless to log and to send back. */
function requestIdOf(request: { headers: NodeJS.Dict<string | string[]> }): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID()
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? ''
}

function measureRequests(app: FastifyInstance, registry: Registry): void {
  const seconds = createRequestHistogram(registry)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    // The template, never the path: a path would make one time series an id.
    const { url = 'unknown' } = request.routeOptions
    seconds.of(request.method, url, reply.statusCode).observe(reply.elapsedTime / 1_000)
    done()
  })
}
