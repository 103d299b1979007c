import { renderError, toServiceError } from '@usdcop/service/error-renderer'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Audit, AuditEntry } from './audit.ts'
import { UNKNOWN } from './callers.ts'
import type { BrokerMetrics } from './metrics.ts'

/** What a request has come to so far; it is told once, when the answer is known. */
export type Told = {
  -readonly [Key in keyof Omit<AuditEntry, 'requestId' | 'remote'>]: AuditEntry[Key]
}

const TOLD = Symbol('told')

declare module 'fastify' {
  interface FastifyRequest {
    [TOLD]: Told | null
  }
}

export function toldOf(request: FastifyRequest): Told {
  const told = request[TOLD]
  if (told === null) throw new Error('asked before the request was told of')
  return told
}

/**
 * Tells the audit log and the metrics of every request of a scope, before its answer leaves: an answer waits until its line is
 * written, and one of which nothing was told is none.
 */
export function tellOfRequests(
  scope: FastifyInstance,
  { audit, metrics }: { readonly audit: Audit; readonly metrics: BrokerMetrics },
): void {
  scope.decorateRequest(TOLD, null)
  scope.addHook('onRequest', (request, reply, done) => {
    request[TOLD] = {
      caller: UNKNOWN,
      way: 'none',
      action: 'none',
      outcome: 'ok',
      about: undefined,
    }
    reply.header('cache-control', 'no-store')
    done()
  })
  scope.setErrorHandler((error, request, reply) => {
    const { code, details } = toServiceError(error)
    toldOf(request).outcome = code
    const waits = code === 'too_many_requests' ? (details as { retryAfterSeconds?: number }) : {}
    if (waits.retryAfterSeconds !== undefined) reply.header('retry-after', waits.retryAfterSeconds)
    renderError(error, request, reply)
  })
  scope.addHook('onSend', (request, _reply, _payload, done) => {
    const { caller, way, action, outcome, about } = toldOf(request)
    const entry = { requestId: request.id, remote: request.ip, caller, way, action, outcome, about }
    metrics.request(caller, action, outcome)
    audit(entry, done)
  })
}
