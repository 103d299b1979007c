import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'
import { traceCall } from '@usdcop/tracing/calls'

export interface FeatureServer {
  /** Base URL. */
  readonly url: string
  /** Bearer key; empty where none is needed. It must be a writer's for pushes. */
  readonly key: string
  /** Of one call, all its attempts together. */
  readonly deadlineMs: number
}

export interface HttpAnswer {
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const ATTEMPTS = 3
const FIRST_PAUSE_MS = 25

/**
 * POSTs an idempotent request. Tried again, inside the deadline: connections that fail, and 503.
 * Not tried again: what the server understood and refused. Throws `features_unavailable`.
 */
export async function post(
  { url, key, deadlineMs }: FeatureServer,
  path: string,
  body: unknown,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const endpoint = new URL(path, url)
  const call = { endpoint, key, body: JSON.stringify(body) }
  const clock = AbortSignal.timeout(deadlineMs)
  const within = AbortSignal.any([signal, clock])
  try {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await attemptOnce(call, within, attempt)
      if (answer !== undefined) return answer
      await sleep(FIRST_PAUSE_MS * attempt, undefined, { signal: within })
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ServiceError) throw error
    const why = clock.aborted ? `no answer within ${deadlineMs} ms` : 'the connection failed'
    throw new ServiceError('features_unavailable', `${endpoint.href}: ${why}`, { cause: error })
  }
}

interface Call {
  readonly endpoint: URL
  readonly key: string
  readonly body: string
}

/** Undefined when another attempt may help. */
async function attemptOnce(
  call: Call,
  signal: AbortSignal,
  attempt: number,
): Promise<HttpAnswer | undefined> {
  const last = attempt === ATTEMPTS
  const traced = { method: 'POST', url: call.endpoint, resends: attempt - 1 }
  try {
    const { status, ...answer } = await traceCall(traced, (headers) =>
      exchange(call, headers, signal),
    )
    if (status >= 200 && status < 300) return answer
    if (status === 503 && !last) return undefined
    throw new ServiceError('features_unavailable', `${call.endpoint.href} answered ${status}`)
  } catch (error) {
    if (error instanceof ServiceError || signal.aborted || last) throw error
    return undefined
  }
}

const PLAIN = { request: httpRequest, agent: new HttpAgent({ keepAlive: true }) }
const SECURE = { request: httpsRequest, agent: new HttpsAgent({ keepAlive: true }) }

/** Node's own client and not `fetch`, which takes twice as long for a call on loopback. */
async function exchange(
  { endpoint, key, body }: Call,
  traceHeaders: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<HttpAnswer & { readonly status: number }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof exchange>>>()
  const { request, agent } = endpoint.protocol === 'https:' ? SECURE : PLAIN
  const headers = {
    ...traceHeaders,
    'content-type': 'application/json',
    ...(key !== '' && { authorization: `Bearer ${key}` }),
  }
  const asked = request(endpoint, { method: 'POST', agent, headers, signal }, (response) => {
    const { statusCode = 0, headers: answered } = response
    text(response).then((whole) => {
      resolve({ status: statusCode, headers: answered, text: whole })
    }, reject)
  })
  asked.on('error', reject)
  asked.end(body)
  return await promise
}
