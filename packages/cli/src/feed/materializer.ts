import type { Bar } from '@usdcop/observation/bars'
import type { MacroValue } from '@usdcop/observation/macro'
import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { NotNow } from './keep-trying.ts'
import type { MaterializerKey } from './key.ts'

const Status = z.object({
  definitionHash: z.string(),
  symbols: z.array(z.object({ symbol: z.string(), lastBar: z.iso.datetime() })),
})
const Rows = z.object({
  rows: z.array(z.object({ status: z.string(), reason: z.string().optional() })),
})
const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export type Status = z.output<typeof Status>
/** What became of one row; `reason` where it was rejected. */
export type RowOutcome = z.output<typeof Rows>['rows'][number]

/**
 * A running materializer. Every call throws `NotNow` where trying again may help (it cannot be
 * reached, is busy or broken, or refuses a key that may be replaced) and a ServiceError with its reason where it has understood and
 * refused.
 */
export interface Materializer {
  status(signal: AbortSignal): Promise<Status>
  /** Outcomes in the order of the bars. */
  bars(bars: readonly Bar[], signal: AbortSignal): Promise<readonly RowOutcome[]>
  macro(values: readonly MacroValue[], signal: AbortSignal): Promise<readonly RowOutcome[]>
}

const DEADLINE_MS = 30_000
/** Under this name the materializer counts what comes from here. */
const SOURCE = 'feed'

/** @param key stands in no error */
export function createMaterializer(base: URL, key: MaterializerKey): Materializer {
  async function ask<T>(
    path: string,
    answer: z.ZodType<T>,
    body: unknown,
    signal: AbortSignal,
  ): Promise<T> {
    const url = new URL(path, base)
    const response = await exchange(url, key, body, signal)
    const parsed = answer.safeParse(await jsonOf(response, url, signal))
    if (parsed.success) return parsed.data
    throw new ServiceError('invalid_request', `${url.href} does not answer like a materializer`)
  }
  return {
    status: (signal) => ask('/v1/status', Status, undefined, signal),
    async bars(bars, signal) {
      const rows = bars.map(({ symbol, barTime, open, high, low, close }) => {
        return { symbol, time: barTime, open, high, low, close }
      })
      return (await ask('/v1/bars', Rows, { source: SOURCE, bars: rows }, signal)).rows
    },
    async macro(values, signal) {
      const rows = values.map(({ series, date, value }) => ({ series, date, value }))
      return (await ask('/v1/macro', Rows, { source: SOURCE, values: rows }, signal)).rows
    },
  }
}

/** A GET without a body and a POST with one; answered with 2xx. */
async function exchange(
  url: URL,
  key: MaterializerKey,
  body: unknown,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { authorization: `Bearer ${key.current()}`, 'content-type': 'application/json' }
  const response = await fetch(url, {
    headers,
    signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
  }).catch((cause: unknown) => notNow(`${url.origin} cannot be reached`, cause, signal))
  if (response.ok) return response
  if (response.status === 429 || response.status >= 500)
    throw new NotNow(`${url.href} answered ${response.status}`)
  const refusal = Refusal.safeParse(await jsonOf(response, url, signal))
  const why = refusal.success ? `: ${refusal.data.error.message}` : ''
  const told = `${url.href} answered ${response.status}${why}`
  if (response.status !== 401 || key.renew === undefined)
    throw new ServiceError('invalid_request', told)
  // One of the two has heard of another key before the other has.
  await key.renew(signal)
  throw new NotNow(told)
}

/** Undefined where it is no JSON. */
async function jsonOf(response: Response, url: URL, signal: AbortSignal): Promise<unknown> {
  const text = await response
    .text()
    .catch((cause: unknown) => notNow(`${url.origin} broke off its answer`, cause, signal))
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function notNow(what: string, cause: unknown, signal: AbortSignal): never {
  signal.throwIfAborted()
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  throw new NotNow(`${what} (${codeOf(inner)})`, { cause })
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === undefined || typeof code !== 'string' ? message : code
}
