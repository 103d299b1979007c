import { type ErrorCode, ServiceError } from '@usdcop/service/errors'
import type { Identity } from './identity.ts'
import { type KvAddress, type KvSecret, readSecret } from './kv.ts'
import { untilAborted } from './until-aborted.ts'

export interface WatchedAddress extends KvAddress {
  /** So late is a change heard of, at most, while Vault answers. Less than a second counts as one. */
  readonly ttlMs: number
}

/** What the holder of a watched secret is told. */
export type SecretNews =
  | { readonly kind: 'changed'; readonly secret: KvSecret }
  /** Vault denies it, or it is gone: what that means is the holder's to say. */
  | { readonly kind: 'withdrawn'; readonly fault: ServiceError }

/**
 * - *current*: as Vault had it a moment ago.
 * - *stale*: it cannot be asked for, by an outage of Vault or of the broker or because no login is had. What was read last is kept, for
 *   however long that takes: a service that forgot its passwords would make an outage of Vault its own.
 * - *withdrawn*: Vault has answered, with a denial or an absence.
 */
export type WatchedState = 'current' | 'stale' | 'withdrawn'

export interface WatchedSecret extends AsyncDisposable {
  readonly state: WatchedState
  /** Reads it now, together with whoever else wants that, and tells the holder before it resolves. */
  refresh(signal: AbortSignal): Promise<void>
}

const WITHDRAWN: ReadonlySet<ErrorCode> = new Set([
  'secret_denied',
  'secret_absent',
  'secret_deleted',
])
const LEAST_TTL_MS = 1_000

/**
 * Reads a secret over and over, at moments of its own so that a hundred processes do not ask as one, and tells of changes.
 * Resolves once it was read and told for the first time.
 * @throws ServiceError why it cannot be read
 */
export async function watchSecret(
  identity: Identity,
  { ttlMs, ...address }: WatchedAddress,
  hear: (news: SecretNews) => void,
  signal: AbortSignal,
): Promise<WatchedSecret> {
  const { clock, random, observe, availability } = identity.server
  const everyMs = Math.max(ttlMs, LEAST_TTL_MS)
  const ending = new AbortController()
  let nudge = new AbortController()
  let known = await readSecret(identity, address, signal)
  let state: WatchedState = 'current'
  let failures = 0
  let reading: Promise<void> | undefined
  hear({ kind: 'changed', secret: known })

  async function read(): Promise<void> {
    try {
      const secret = await readSecret(identity, address, ending.signal)
      const same = state !== 'withdrawn' && isSame(secret, known)
      known = secret
      state = 'current'
      failures = 0
      observe({ kind: 'read', identity: identity.name, answer: 'fresh' })
      if (!same) hear({ kind: 'changed', secret })
    } catch (error) {
      if (ending.signal.aborted) return
      const withdrawn = error instanceof ServiceError && WITHDRAWN.has(error.code)
      failures = withdrawn ? 0 : failures + 1
      if (!withdrawn) observe({ kind: 'read', identity: identity.name, answer: 'stale' })
      const first = withdrawn && state !== 'withdrawn'
      // What was withdrawn stays so, whoever is away meanwhile.
      if (state !== 'withdrawn') state = withdrawn ? 'withdrawn' : 'stale'
      if (first) hear({ kind: 'withdrawn', fault: error })
    }
  }

  const readOnce = () =>
    (reading ??= read().finally(() => {
      reading = undefined
    }))

  function pauseMs(): number {
    if (failures === 0) return everyMs * (0.75 + 0.2 * random())
    return Math.min(1_000 * 2 ** (failures - 1), everyMs) * (1 - random() / 2)
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      const woken = AbortSignal.any([ending.signal, nudge.signal])
      await clock.sleep(pauseMs(), woken).catch(() => {})
      if (!ending.signal.aborted) await readOnce()
    }
  }

  const stopListening = availability.onUp(() => {
    nudge.abort()
    nudge = new AbortController()
  })
  const running = run()
  return {
    get state() {
      return state
    },
    refresh: (until) => untilAborted(readOnce(), until),
    async [Symbol.asyncDispose]() {
      stopListening()
      ending.abort()
      await running
    },
  }
}

/** By its maker's time too: a Vault that was set up anew counts from one again. */
function isSame(one: KvSecret, other: KvSecret): boolean {
  return one.version === other.version && one.createdAt.getTime() === other.createdAt.getTime()
}
