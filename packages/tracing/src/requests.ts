import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '@opentelemetry/semantic-conventions'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { failSpan } from './failure.ts'
import { currentTracer } from './spans.ts'
import { runningTracing } from './state.ts'

interface Traced {
  readonly span: Span
  readonly context: Context
  error: unknown
}

const TRACED = Symbol('traced')

declare module 'fastify' {
  interface FastifyRequest {
    [TRACED]: Traced | null
  }
}

/** Asked every few seconds by machines; their spans would bury the others. */
const HEALTH = ['/livez', '/readyz', '/health', '/metrics']

/**
 * One SERVER span a request, active in every hook and handler behind it, a child of the caller's span
 * where the caller sent one. Made by hand: instrumenting `http` costs several times as much.
 *
 * Adds nothing at all to an app that is built while tracing is off.
 *
 * @param untraced route templates without a span, beside health and metrics: streams that stay open
 */
export function traceRequests(app: FastifyInstance, untraced: readonly string[] = []): void {
  if (runningTracing() === undefined) return
  const silent = new Set([...HEALTH, ...untraced])
  const tracer = currentTracer()
  app.decorateRequest(TRACED, null)

  app.addHook('onRequest', (request, reply, done) => {
    const route = request.routeOptions.url
    if (route !== undefined && silent.has(route)) return done()
    const traced = begin(tracer, request, route)
    request[TRACED] = traced
    // Not `onResponse`: it is not called for a caller who left.
    reply.raw.once('close', () => end(traced, reply))
    // Fastify takes this context through the reading of the body, late as it may come.
    context.with(traced.context, done)
  })
  app.addHook('onError', (request, _reply, error, done) => {
    if (request[TRACED] !== null) request[TRACED].error = error
    done()
  })
}

function begin(tracer: Tracer, request: FastifyRequest, route: string | undefined): Traced {
  const { method, url, protocol } = request
  const query = url.indexOf('?')
  const attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: method,
    [ATTR_URL_PATH]: query === -1 ? url : url.slice(0, query),
    [ATTR_URL_SCHEME]: protocol,
    ...(route !== undefined && { [ATTR_HTTP_ROUTE]: route }),
  }
  const name = route === undefined ? method : `${method} ${route}`
  const parent = propagation.extract(ROOT_CONTEXT, request.headers)
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent)
  return { span, context: trace.setSpan(parent, span), error: undefined }
}

function end({ span, error }: Traced, { statusCode, raw }: FastifyReply): void {
  if (!raw.writableFinished) {
    span.setAttribute(ATTR_ERROR_TYPE, 'caller_left')
  } else {
    span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, statusCode)
    if (statusCode >= 500) fail(span, error, statusCode)
  }
  span.end()
}

function fail(span: Span, error: unknown, statusCode: number): void {
  if (error !== undefined) return failSpan(span, error)
  span.setAttribute(ATTR_ERROR_TYPE, String(statusCode))
  span.setStatus({ code: SpanStatusCode.ERROR })
}
