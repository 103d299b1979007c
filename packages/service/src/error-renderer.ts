import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { ZodError } from 'zod'
import { type ErrorCode, ServiceError } from './errors.ts'

export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly requestId: string
    readonly details?: unknown
  }
}

/** The one place where an error becomes an answer. 5xx bodies never carry internal text. */
export function renderError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const fault = toServiceError(error)
  if (fault.status >= 500)
    request.log.error({ err: error, requestId: request.id }, 'request failed')
  if (fault.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer')
  reply.code(fault.status).send(bodyOf(fault, request.id))
}

export function bodyOf(fault: ServiceError, requestId: string): ErrorBody {
  const message = fault.status >= 500 ? SERVER_FAULTS[fault.status] : fault.message
  const details =
    fault.status < 500 && fault.details !== undefined ? { details: fault.details } : {}
  return {
    error: { code: fault.code, message: message ?? 'the request failed', requestId, ...details },
  }
}

const SERVER_FAULTS: Readonly<Record<number, string>> = {
  500: 'the service failed; its log has the reason under this request id',
  503: 'the service cannot answer now; try again',
  504: 'the answer did not come in time',
}

/** Ours as they are, zod's and Fastify's client errors by their meaning, the rest as `internal`. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  if (error instanceof ZodError) {
    const details = error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
    const named = details.map(({ field, message }) =>
      field === '' ? message : `${field}: ${message}`,
    )
    return new ServiceError('invalid_request', named.join('; '), { cause: error, details })
  }
  const status = statusOf(error)
  if (error instanceof Error && status !== undefined && status >= 400 && status < 500)
    return new ServiceError(CLIENT_FAULTS[status] ?? 'invalid_request', error.message, {
      cause: error,
    })
  if (status === 503) return new ServiceError('not_ready', 'not ready', { cause: error })
  return new ServiceError('internal', 'internal error', { cause: error })
}

const CLIENT_FAULTS: Readonly<Record<number, ErrorCode>> = {
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'too_many_requests',
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

/** A request that does not parse as HTTP never reaches a route; it is answered in the same shape. */
export function clientErrorResponse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, reason, message] = HTTP_FAULTS[error.code ?? ''] ?? BAD_REQUEST
  const body = JSON.stringify({ error: { code: 'invalid_request', message, requestId: '' } })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

const BAD_REQUEST = [400, 'Bad Request', 'the request is not valid HTTP'] as const
const HTTP_FAULTS: Readonly<Record<string, readonly [number, string, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'the headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'the request did not arrive in time'],
}
