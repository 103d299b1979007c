import type { Serving } from '@usdcop/feast/serving/ttl'
import { toServiceError } from '@usdcop/service/error-renderer'
import type { ErrorCode, ServiceError } from '@usdcop/service/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { BodyError, type Fault } from './body.ts'
import { RunningError } from './materialize/runs.ts'

/** How one code is told on Feast's routes: the exception a Feast client raises again, and the status. */
interface Telling {
  readonly feastClass: string
  readonly status: number
  /** What real Feast answers, under `FEAST_PARITY=strict`: `text` is a bare string. */
  readonly strict?: { readonly status: number; readonly text?: true }
}

const UNTYPED_500 = { status: 500, text: true } as const

const TELLINGS: Partial<Record<ErrorCode, Telling>> = {
  feature_view_unknown: { feastClass: 'FeatureViewNotFoundException', status: 404 },
  feature_view_version_unknown: { feastClass: 'FeatureViewVersionNotFound', status: 404 },
  request_data_missing: { feastClass: 'RequestDataNotFoundInEntityRowsException', status: 404 },
  transform_failed: { feastClass: 'FeastError', status: 500 },
  // Which other service is away is no secret, and the caller's operator has to know.
  transformations_unavailable: { feastClass: 'FeastError', status: 503 },
  materialization_lost: { feastClass: 'FeastError', status: 500 },
  feature_service_unknown: { feastClass: 'FeatureServiceNotFoundException', status: 404 },
  push_source_unknown: { feastClass: 'PushSourceNotFoundException', status: 422 },
  feature_name_collision: {
    feastClass: 'FeatureNameCollisionError',
    status: 422,
    strict: { status: 500 },
  },
  feature_unknown: { feastClass: 'FeastError', status: 404, strict: UNTYPED_500 },
  invalid_request: { feastClass: 'FeastError', status: 422, strict: UNTYPED_500 },
  forbidden: { feastClass: 'FeastPermissionError', status: 403 },
  // What this server was not set up for is for the caller to know, unlike other 5xx.
  not_supported: { feastClass: 'FeastError', status: 501 },
}

/** Feast's SDK waits that long before it asks again. */
const RETRY_AFTER_SECONDS = '1'

/** The error handler of Feast's routes: Feast's shapes, which its SDK turns back into exceptions. */
export function renderFeastErrors(serving: Serving) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    reply.type('application/json')
    if (isTooDeep(error)) {
      request.log.warn({ err: error, requestId: request.id }, 'a body nested too deeply')
      reply.code(422).send(stringify({ detail: [TOO_DEEP] }))
      return
    }
    if (error instanceof BodyError) {
      reply.code(422).send(faultsText(error.faults))
      return
    }
    if (error instanceof RunningError) {
      const body = { error: error.message, feature_views: error.views }
      reply.code(error.status).send(stringify(body))
      return
    }
    const fault = toServiceError(error)
    // A caller who left aborts the work: nobody is there to answer, and nothing is wrong.
    if (fault.status >= 500 && !reply.raw.destroyed)
      request.log.error({ err: error, requestId: request.id }, 'request failed')
    if (fault.code === 'unauthenticated') {
      const detail =
        request.headers.authorization === undefined
          ? 'Missing authentication token'
          : 'Invalid or expired access token'
      reply.code(401).header('www-authenticate', 'Bearer').send(stringify({ detail }))
      return
    }
    if (fault.code === 'too_many_requests') reply.header('retry-after', RETRY_AFTER_SECONDS)
    const { status, body } = told(fault, serving)
    reply.code(status).send(body)
  }
}

function told(fault: ServiceError, serving: Serving): { status: number; body: string } {
  const telling = TELLINGS[fault.code]
  if (telling === undefined) {
    // 5xx bodies never carry internal text; the other client errors (413, 415) say what they are.
    const text = fault.status >= 500 ? 'the feature server cannot answer now' : fault.message
    return { status: fault.status, body: detailOf('FeastError', text) }
  }
  const { feastClass, status, strict } = telling
  const body =
    serving === 'strict' && strict?.text
      ? JSON.stringify(fault.message)
      : detailOf(feastClass, fault.message)
  return { status: serving === 'strict' ? (strict?.status ?? status) : status, body }
}

/** A JSON string that itself holds JSON, spaced as Python prints it. */
function detailOf(feastClass: string, message: string): string {
  const fields = Object.entries({ module: 'feast.errors', class: feastClass, message }).map(
    ([key, value]) => `"${key}": ${asciiJson(value)}`,
  )
  return JSON.stringify(`{${fields.join(', ')}}`)
}

/** Python's json.dumps escapes everything beyond ASCII. */
function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

const TOO_DEEP: Fault = {
  type: 'json_invalid',
  loc: ['body', 0],
  msg: 'JSON decode error',
  input: {},
  ctx: { error: 'nested too deeply' },
}

/** What walks a body recurses; its nesting is the caller's, so an exhausted stack is too. */
function isTooDeep(error: unknown): boolean {
  return error instanceof RangeError && error.message.startsWith('Maximum call stack')
}

/** Faults show what they are about, unless that is nested too deeply to be written. */
function faultsText(faults: readonly Fault[]): string {
  try {
    return stringify({ detail: faults })
  } catch (error) {
    if (!isTooDeep(error)) throw error
    return stringify({ detail: faults.map((fault) => ({ ...fault, input: null })) })
  }
}

function stringify(body: unknown): string {
  return JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  )
}
