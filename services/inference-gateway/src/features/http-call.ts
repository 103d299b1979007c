import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'

export interface FeatureServer {
  /** Base URL. */
  readonly url: string
  /** Bearer key; empty where none is needed. It must be a writer's for pushes. */
  readonly key: string
  /** Of one call, all its attempts together. */
  readonly deadlineMs: number
}

export interface HttpAnswer {
  readonly headers: Headers
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
  const endpoint = new URL(path, url).href
  const call = { endpoint, key, body: JSON.stringify(body) }
  const clock = AbortSignal.timeout(deadlineMs)
  const within = AbortSignal.any([signal, clock])
  try {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await attemptOnce(call, within, attempt === ATTEMPTS)
      if (answer !== undefined) return answer
      await sleep(FIRST_PAUSE_MS * attempt, undefined, { signal: within })
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ServiceError) throw error
    const why = clock.aborted ? `no answer within ${deadlineMs} ms` : 'the connection failed'
    throw new ServiceError('features_unavailable', `${endpoint}: ${why}`, { cause: error })
  }
}

interface Call {
  readonly endpoint: string
  readonly key: string
  readonly body: string
}

/** Undefined when another attempt may help. */
async function attemptOnce(
  { endpoint, key, body }: Call,
  signal: AbortSignal,
  last: boolean,
): Promise<HttpAnswer | undefined> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== '' && { authorization: `Bearer ${key}` }),
      },
      body,
      signal,
      redirect: 'manual',
    })
    const text = await response.text()
    if (response.ok) return { headers: response.headers, text }
    if (response.status === 503 && !last) return undefined
    throw new ServiceError('features_unavailable', `${endpoint} answered ${response.status}`)
  } catch (error) {
    if (error instanceof ServiceError || signal.aborted || last) throw error
    return undefined
  }
}
