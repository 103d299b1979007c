import type { OutgoingHttpHeaders } from 'node:http'
import { renderError, toServiceError } from '@usdcop/service/error-renderer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
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

export interface Tellers {
  readonly audit: Audit
  readonly metrics: BrokerMetrics
}

/**
 * Tells the audit log and the metrics of every request of a scope, before its answer leaves: an answer waits until its line is
 * written, and one of which nothing was told is none.
 */
export function tellOfRequests(scope: FastifyInstance, tellers: Tellers): void {
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
  scope.addHook('onSend', (request, _reply, _payload, done) => tell(tellers, request, done))
}

/**
 * Answers 200 with a JSON text, told as every answer is. Past Fastify's own sending, which costs as much again: it asks what
 * kind of thing the text may be, and counts its bytes three times.
 */
export function sendTold(tellers: Tellers, reply: FastifyReply, text: string): void {
  reply.hijack()
  tell(tellers, reply.request, () => {
    const bytes = Buffer.byteLength(text)
    const headers = reply.getHeaders() as OutgoingHttpHeaders
    headers['content-type'] = 'application/json; charset=utf-8'
    headers['content-length'] = bytes
    reply.raw.writeHead(200, headers)
    reply.raw.end(text, bytes === text.length ? 'latin1' : 'utf8')
  })
}

function tell({ audit, metrics }: Tellers, request: FastifyRequest, written: () => void): void {
  const { caller, way, action, outcome, about } = toldOf(request)
  const entry = { requestId: request.id, remote: request.ip, caller, way, action, outcome, about }
  metrics.request(caller, action, outcome)
  audit(entry, written)
}
