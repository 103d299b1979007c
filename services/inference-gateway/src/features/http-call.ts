import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'

export interface HttpCall {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Spans every attempt. */
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
export async function post(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer> {
  const clock = AbortSignal.timeout(call.deadlineMs)
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
    const why = clock.aborted ? `no answer within ${call.deadlineMs} ms` : 'the connection failed'
    throw new ServiceError('features_unavailable', `${call.url}: ${why}`, { cause: error })
  }
}

/** Undefined when another attempt may help. */
async function attemptOnce(
  { url, headers, body }: HttpCall,
  signal: AbortSignal,
  last: boolean,
): Promise<HttpAnswer | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body,
      signal,
      redirect: 'manual',
    })
    const text = await response.text()
    if (response.ok) return { headers: response.headers, text }
    if (response.status === 503 && !last) return undefined
    throw new ServiceError('features_unavailable', `${url} answered ${response.status}`)
  } catch (error) {
    if (error instanceof ServiceError || signal.aborted || last) throw error
    return undefined
  }
}
