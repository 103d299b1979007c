import { type ErrorCode, ServiceError, STATUS } from '@usdcop/service/errors'
import { z } from 'zod'

const Callers = z.object({
  callers: z.array(
    z.object({
      name: z.string(),
      role: z.string(),
      secrets: z.boolean(),
      revoked: z.boolean(),
      tokenSecondsLeft: z.number().nullable(),
    }),
  ),
})
const Rotated = z.object({
  secret: z.string(),
  version: z.number(),
  passwordsAccepted: z.number(),
})
const Refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

export type CallerRow = z.output<typeof Callers>['callers'][number]
export type Rotated = z.output<typeof Rotated>

/** What the admin listener of a secrets broker does. Every call throws a ServiceError with the broker’s own code. */
export interface BrokerAdmin {
  callers(signal: AbortSignal): Promise<readonly CallerRow[]>
  rotateRedis(signal: AbortSignal): Promise<Rotated>
  rotate(caller: string, signal: AbortSignal): Promise<void>
  revoke(caller: string, signal: AbortSignal): Promise<void>
  restore(caller: string, signal: AbortSignal): Promise<void>
  /** @param caller undefined is all of them */
  flush(caller: string | undefined, signal: AbortSignal): Promise<void>
}

const DEADLINE_MS = 30_000

/** @param key bearer token; it stands in no error */
export function createBrokerAdmin(base: URL, key: string): BrokerAdmin {
  async function ask(method: string, path: string, signal: AbortSignal): Promise<unknown> {
    const url = new URL(path, base)
    const response = await fetch(url, {
      method,
      headers: { authorization: `Bearer ${key}` },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(DEADLINE_MS)]),
    }).catch((cause: unknown) => {
      signal.throwIfAborted()
      throw new ServiceError('not_ready', `${url.origin} cannot be reached`, { cause })
    })
    if (response.status === 204) return undefined
    const body: unknown = await response.json().catch(() => undefined)
    if (response.ok) return body
    const { error } = Refusal.safeParse(body).data ?? {}
    if (error === undefined)
      throw new ServiceError('internal', `${url.origin} answered ${response.status}`)
    throw new ServiceError(isCode(error.code) ? error.code : 'internal', error.message)
  }

  async function read<T>(schema: z.ZodType<T>, answer: Promise<unknown>): Promise<T> {
    const parsed = schema.safeParse(await answer)
    if (parsed.success) return parsed.data
    throw new ServiceError('internal', `${base.origin} does not answer like a secrets broker`)
  }

  const of = (caller: string, what: string) => `/v1/callers/${encodeURIComponent(caller)}/${what}`
  const act = async (method: string, path: string, signal: AbortSignal) => {
    await ask(method, path, signal)
  }
  return {
    callers: async (signal) => (await read(Callers, ask('GET', '/v1/callers', signal))).callers,
    rotateRedis: (signal) => read(Rotated, ask('POST', '/v1/rotations/redis', signal)),
    rotate: (caller, signal) => act('POST', of(caller, 'rotation'), signal),
    revoke: (caller, signal) => act('POST', of(caller, 'revocation'), signal),
    restore: (caller, signal) => act('DELETE', of(caller, 'revocation'), signal),
    flush(caller, signal) {
      const query = caller === undefined ? '' : `?caller=${encodeURIComponent(caller)}`
      return act('DELETE', `/v1/cache${query}`, signal)
    },
  }
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(STATUS, text)
}
