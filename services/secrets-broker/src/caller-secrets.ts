import { ServiceError } from '@usdcop/service/errors'
import { createIdentity, type Identity } from '@usdcop/vault/identity'
import {
  createSecretReader,
  type Holds,
  type SecretAnswer,
  type SecretReader,
  type SecretRequest,
} from '@usdcop/vault/secret-reader'
import type { VaultServer } from '@usdcop/vault/vault-server'
import type { Caller } from './callers.ts'
import type { Issuer } from './issuer.ts'

export interface CallerSecretsOptions {
  readonly server: VaultServer
  readonly issuer: Issuer
  /** As `SecretReaderOptions` has them. */
  readonly ttlMs: number
  readonly maxStaleMs: number
}

/**
 * Reads secrets for callers, each under a login of its own role. A caller has an identity, a token and a cache that no
 * other caller's request ever meets; the first read makes them.
 */
export interface CallerSecrets extends AsyncDisposable {
  /** @throws ServiceError as `SecretReader` does; `forbidden` once the caller is revoked, also while its answer is on its way */
  read(caller: Caller, request: SecretRequest, signal: AbortSignal): Promise<SecretAnswer>
  /**
   * What `read` would answer at once; undefined where Vault has to be asked.
   * @throws ServiceError `forbidden` once the caller is revoked
   */
  kept(caller: Caller, request: SecretRequest): SecretAnswer | undefined
  /** Ends the caller's login and cache; the next read makes others. What is being read now is answered first. */
  rotate(caller: Caller): Promise<void>
  /** Ends them now, and reads nothing for this caller until it is restored. */
  revoke(caller: Caller): Promise<void>
  restore(caller: Caller): void
  isRevoked(caller: Caller): boolean
  /** Forgets what is kept for one caller, or for all; logins go on. */
  flush(caller?: Caller): void
  /** By caller, what is left of its token; callers that have none yet are not there. */
  tokensMsLeft(): ReadonlyMap<string, number>
  /** By caller, what is kept for it. */
  holds(): ReadonlyMap<string, Holds>
}

interface Session {
  readonly identity: Identity
  readonly reader: SecretReader
  readonly reads: Set<Promise<unknown>>
}

export function createCallerSecrets(options: CallerSecretsOptions): CallerSecrets {
  const { server, issuer, ttlMs, maxStaleMs } = options
  const sessions = new Map<string, Session>()
  const revoked = new Set<string>()
  const ends = new Set<Promise<void>>()
  let closed = false

  function sessionOf(caller: Caller): Session {
    if (closed) throw new ServiceError('not_ready', 'the broker is ending')
    const known = sessions.get(caller.name)
    if (known !== undefined) return known
    const identity = createIdentity(server, {
      name: caller.name,
      source: (signal) => issuer.credential(caller, signal),
    })
    const reader = createSecretReader({ identity, ttlMs, maxStaleMs })
    const session = { identity, reader, reads: new Set<Promise<unknown>>() }
    sessions.set(caller.name, session)
    return session
  }

  /** Revokes the token, and with it everything that was lent under it. */
  async function end({ identity, reader }: Session): Promise<void> {
    reader.forget()
    const ended = Promise.resolve(identity[Symbol.asyncDispose]())
    ends.add(ended)
    await ended.finally(() => ends.delete(ended))
  }

  function take(caller: Caller): Session | undefined {
    const session = sessions.get(caller.name)
    sessions.delete(caller.name)
    return session
  }

  function assertServed(caller: Caller): void {
    if (revoked.has(caller.name))
      throw new ServiceError('forbidden', 'this caller is revoked until an operator restores it')
  }

  return {
    async read(caller, request, signal) {
      assertServed(caller)
      const { reader, reads } = sessionOf(caller)
      const reading = reader.read(request, signal)
      reads.add(reading)
      try {
        return await reading
      } finally {
        reads.delete(reading)
        // Whatever Vault has said, or whatever the end of the login has made of it.
        assertServed(caller)
      }
    },
    kept(caller, request) {
      assertServed(caller)
      return sessions.get(caller.name)?.reader.kept(request)
    },
    async rotate(caller) {
      const session = take(caller)
      if (session === undefined) return
      // Each has a limit of its own, that of a request to Vault.
      await Promise.allSettled(session.reads)
      await end(session)
    },
    async revoke(caller) {
      revoked.add(caller.name)
      const session = take(caller)
      if (session !== undefined) await end(session)
    },
    restore: (caller) => void revoked.delete(caller.name),
    isRevoked: (caller) => revoked.has(caller.name),
    flush(caller) {
      if (caller === undefined) for (const { reader } of sessions.values()) reader.forget()
      else sessions.get(caller.name)?.reader.forget()
    },
    tokensMsLeft: () =>
      new Map([...sessions].map(([name, { identity }]) => [name, identity.tokenMsLeft()])),
    holds: () => new Map([...sessions].map(([name, { reader }]) => [name, reader.holds()])),
    async [Symbol.asyncDispose]() {
      closed = true
      const open = [...sessions.values()]
      sessions.clear()
      await Promise.allSettled([...open.map(end), ...ends])
    },
  }
}
