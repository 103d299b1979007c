import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { leaseMs, readAnswer } from './answers.ts'
import { isConnectivity } from './faults.ts'
import { createKeeper } from './keeper.ts'
import { type CredentialSource, createLogin, type Token } from './login.ts'
import type { Secret } from './secret.ts'
import { secretName, secretPath } from './secret-path.ts'
import type { Ask, VaultServer } from './vault-server.ts'

export interface IdentityOptions {
  /** Of the service, as it stands in metrics: a name from a closed set. */
  readonly name: string
  readonly source: CredentialSource
}

/**
 * One service's identity towards Vault: one client, one token, one renewal. Nothing of it is shared with another
 * identity but the connections to the server.
 */
export interface Identity extends AsyncDisposable {
  readonly name: string
  readonly server: VaultServer
  /**
   * Asks with the token of this identity. A denial of a token that Vault no longer knows logs in anew and asks
   * once more; a denial by the policy is passed on.
   * @throws ServiceError
   */
  ask(ask: Ask, signal: AbortSignal): Promise<unknown>
  /** Resolves once a token is there. */
  ready(signal: AbortSignal): Promise<void>
  /** 0 without a valid token, `Infinity` where it never ends. */
  tokenMsLeft(): number
  /** How many tokens it has had: what was read under another one has to be proved again. */
  epoch(): number
  /**
   * Called when another token has taken the place of the old one. The old one is revoked, with all that was lent under it,
   * once every listener's promise has settled; where it was gone already, so is all that.
   * @returns takes the listener away
   */
  onReplaced(listener: (signal: AbortSignal) => Promise<void>): () => void
  /**
   * The source has another credential: it is asked for it now, with the old token in use until there is a new one.
   * Resolves once there is.
   */
  logInAgain(signal: AbortSignal): Promise<void>
}

const renewal = z.object({ auth: z.object({ lease_duration: leaseMs, renewable: z.boolean() }) })
/** After a denial that a fresh token did not change, how long denials are taken for the policy's. */
const TRUST_DENIALS_MS = 60_000

export function createIdentity(server: VaultServer, { name, source }: IdentityOptions): Identity {
  const { clock, observe, availability, random } = server
  const identity = secretName(name)
  const client = server.clientOf(identity)
  const listeners = new Set<(signal: AbortSignal) => Promise<void>>()
  const ending = new AbortController()
  const tellReplaced = (signal: AbortSignal) =>
    Promise.allSettled([...listeners].map((listener) => listener(signal)))
  /** The token went before another one took its place, and all that was lent under it with it. */
  let lost = false
  let epoch = 0
  let trustDenialsUntil = -Infinity

  const keeper = createKeeper<Token>({
    // Whoever hands out the credential may be away by itself.
    availability: {
      onUp: (listener) => both(availability.onUp(listener), source.onUp?.(listener)),
    },
    clock,
    random,
    isConnectivity,
    obtain: createLogin({ client, identity, clock, observe, source }),
    async renew({ token }, fullMs, signal) {
      const grantedAt = clock.now()
      const body = Number.isFinite(fullMs) ? { increment: `${Math.ceil(fullMs / 1_000)}s` } : {}
      const path = secretPath('auth/token/renew-self')
      const answer = await client.call(
        token,
        { operation: 'renew', verb: 'write', path, body },
        signal,
      )
      const { lease_duration: durationMs, renewable } = readAnswer(renewal, answer, 'renewal').auth
      return { grantedAt, durationMs, renewable }
    },
    async release({ token, own }, signal) {
      await tellReplaced(signal)
      const path = secretPath('auth/token/revoke-self')
      if (own) await client.call(token, { operation: 'revoke', verb: 'write', path }, signal)
    },
    tell(held) {
      if (held.state === 'obtained') epoch += 1
      observe({ kind: 'token', identity, ...held })
      if (held.state === 'lapsed') lost = true
      if (held.state !== 'obtained' || !lost) return
      lost = false
      void tellReplaced(ending.signal)
    },
  })

  /** Whether Vault still knows a token; a denial stands where it cannot be asked. */
  async function isKnown(token: Secret, signal: AbortSignal): Promise<boolean> {
    try {
      const path = secretPath('auth/token/lookup-self')
      await client.call(token, { operation: 'lookup', verb: 'read', path }, signal)
      return true
    } catch (error) {
      signal.throwIfAborted()
      return !isDenial(error)
    }
  }

  return {
    name,
    server,
    async ask(ask, signal) {
      const held = await keeper.get(signal)
      try {
        return await client.call(held.token, ask, signal)
      } catch (error) {
        if (!isDenial(error) || clock.now() < trustDenialsUntil) throw error
        if (keeper.current() === held) {
          if (await isKnown(held.token, signal)) throw error
          lost = true
          keeper.reject(held)
        }
        // Where no other token can be had the denial is what Vault has said last.
        const fresh = await keeper.get(signal).catch(() => {
          signal.throwIfAborted()
          throw error
        })
        try {
          return await client.call(fresh.token, ask, signal)
        } catch (second) {
          if (isDenial(second)) trustDenialsUntil = clock.now() + TRUST_DENIALS_MS
          throw second
        }
      }
    },
    async ready(signal) {
      await keeper.get(signal)
    },
    tokenMsLeft: () => keeper.remainingMs(),
    epoch: () => epoch,
    onReplaced(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    logInAgain: (signal) => keeper.replace(signal),
    async [Symbol.asyncDispose]() {
      ending.abort()
      await keeper[Symbol.asyncDispose]()
      await source[Symbol.asyncDispose]?.()
    },
  }
}

function both(...stops: readonly ((() => void) | undefined)[]): () => void {
  return () => {
    for (const stop of stops) stop?.()
  }
}

function isDenial(error: unknown): boolean {
  return error instanceof ServiceError && error.code === 'secret_denied'
}
