import { type IncomingHttpHeaders, validateHeaderValue } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'
import { traceCall } from '@usdcop/tracing/calls'
import { openConnections, type RawAnswer } from './connection.ts'
import { pauseMs, readRetryAfter } from './pause.ts'
import { FeatureServerError, refused } from './refusal.ts'

export interface CallerOptions {
  readonly url: string
  /** Asked before each attempt where it is a function. */
  readonly key: string | (() => string)
  readonly attempts: number
  readonly ca: string | undefined
}

export interface Call {
  /** Behind the base URL, without a slash before it. */
  readonly path: string
  readonly body: unknown
  /** Whether it does no harm twice. If not, it is sent again only where it cannot have been begun. */
  readonly repeatable: boolean
  /** Of all attempts together; undefined leaves the end to the signal. */
  readonly deadlineMs: number | undefined
}

export interface HttpAnswer {
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** Whom to name where the answer is not what it should be. */
  readonly endpoint: URL
}

export interface HttpCaller {
  /**
   * POSTs a call and gives back what was answered with 2xx. Tried again inside the deadline, after a
   * pause: connections that fail, 429, 502, 503, 504; never what the server has understood and refused.
   * @throws FeatureServerError for any other answer; ServiceError `deadline_exceeded`, or
   *   `features_unavailable` where there is no answer; the signal's reason
   */
  post(call: Call, signal: AbortSignal | undefined): Promise<HttpAnswer>
  /** Ends what is under way and cuts the connections; calls from then on fail. */
  close(): Promise<void>
}

const OVERLOADED = 429
/** The answers of whoever stands before a server, or of one that cannot now. */
const TRANSIENT = new Set([OVERLOADED, 502, 503, 504])
/** Nobody was reached, so nothing can have begun. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** @throws ServiceError `config_invalid` for a URL with a password in it or a key that is no header */
export function createCaller({ url, key, attempts, ca }: CallerOptions): HttpCaller {
  const base = baseOf(url)
  const keyNow = typeof key === 'string' ? () => key : key
  // One that is no header is the operator's to mend, at once.
  let standing = standingWith(keyNow())
  const connections = openConnections(base.protocol, ca)
  const closing = new AbortController()

  return {
    async post(call, signal) {
      const { deadlineMs } = call
      const endpoint = new URL(call.path, base)
      const sent: Sent = { endpoint, body: JSON.stringify(call.body), repeatable: call.repeatable }
      const clock = deadlineMs === undefined ? undefined : AbortSignal.timeout(deadlineMs)
      const limits = [signal, clock].filter((limit) => limit !== undefined)
      const within = limits.length === 2 ? AbortSignal.any(limits) : limits[0]
      const endsAt = performance.now() + (deadlineMs ?? Number.POSITIVE_INFINITY)
      try {
        for (let attempt = 1; ; attempt += 1) {
          closing.signal.throwIfAborted()
          const outcome = await attemptOnce(sent, within, attempt)
          if ('answer' in outcome) return { ...outcome.answer, endpoint }
          const pause = pauseMs(attempt, outcome.retryAfterMs, Math.random())
          const last = attempt === attempts || performance.now() + pause >= endsAt
          if (last || !outcome.again) throw outcome.failure
          const until = AbortSignal.any([closing.signal, ...limits])
          await sleep(pause, undefined, { signal: until })
        }
      } catch (error) {
        signal?.throwIfAborted()
        closing.signal.throwIfAborted()
        if (!clock?.aborted || error instanceof FeatureServerError) throw error
        throw new ServiceError(
          'deadline_exceeded',
          `${endpoint.href}: no answer within ${deadlineMs} ms`,
          { cause: error },
        )
      }
    },
    async close() {
      closing.abort(new ServiceError('features_unavailable', 'the feature client is closed'))
      await connections.close()
    },
  }

  async function attemptOnce(
    { endpoint, body, repeatable }: Sent,
    signal: AbortSignal | undefined,
    attempt: number,
  ): Promise<Outcome> {
    const key = keyNow()
    if (key !== standing.key) standing = standingWith(key)
    const traced = { method: 'POST', url: endpoint, resends: attempt - 1 }
    let answer: RawAnswer
    try {
      answer = await traceCall(traced, (headers) =>
        connections.exchange(
          { endpoint, body, headers: { ...headers, ...standing.headers }, fresh: !repeatable },
          signal,
        ),
      )
    } catch (error) {
      if (error instanceof ServiceError) throw error
      const message = `${endpoint.href}: the connection failed`
      const failure = new ServiceError('features_unavailable', message, { cause: error })
      return { failure, again: repeatable || NEVER_SENT.has(systemCode(error)) }
    }
    const { status, headers } = answer
    if (status >= 200 && status < 300) return { answer }
    return {
      failure: refused(endpoint, answer, key),
      again: TRANSIENT.has(status) && (repeatable || status === OVERLOADED),
      retryAfterMs: readRetryAfter(headers['retry-after'], Date.now()),
    }
  }
}

interface Sent {
  readonly endpoint: URL
  readonly body: string
  readonly repeatable: boolean
}

type Outcome =
  | { readonly answer: RawAnswer }
  | {
      readonly failure: ServiceError
      readonly again: boolean
      readonly retryAfterMs?: number | undefined
    }

function systemCode(error: unknown): string {
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

function baseOf(url: string): URL {
  const base = URL.parse(url)
  if (base === null || !/^https?:$/.test(base.protocol))
    throw new ServiceError('config_invalid', 'the URL of the feature server is no http(s) URL')
  // It is named in errors and traces.
  if (base.username !== '' || base.password !== '')
    throw new ServiceError(
      'config_invalid',
      'no password in the URL of the feature server: use `key`',
    )
  base.search = ''
  base.hash = ''
  if (!base.pathname.endsWith('/')) base.pathname += '/'
  return base
}

/** What each request says besides its own. */
function standingWith(key: string) {
  return { key, headers: { 'content-type': 'application/json', ...authorization(key) } }
}

function authorization(key: string): Readonly<Record<string, string>> {
  if (key === '') return {}
  const value = `Bearer ${key}`
  try {
    validateHeaderValue('authorization', value)
  } catch (cause) {
    throw new ServiceError('config_invalid', 'the key is not fit for a header', { cause })
  }
  return { authorization: value }
}
