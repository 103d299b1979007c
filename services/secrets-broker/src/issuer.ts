import { ServiceError } from '@usdcop/service/errors'
import { issueWrappedSecretId, readRoleId, type WrappedSecretId } from '@usdcop/vault/approle'
import type { Identity } from '@usdcop/vault/identity'
import type { Credential } from '@usdcop/vault/login'
import type { Caller } from './callers.ts'

export interface IssuerOptions {
  /** The broker's own: it may make wrapped secret ids of the callers' roles, and nothing else. */
  readonly identity: Identity
  /** Seconds in which a secret id must be unwrapped. */
  readonly wrapTtlSeconds: number
  /** Seconds in which it must be used, counted from the same moment. */
  readonly secretIdTtlSeconds: number
}

export interface Issued extends WrappedSecretId {
  readonly roleId: string
}

export interface Issuer {
  readonly secretIdTtlSeconds: number
  /**
   * A secret id of the caller's role, good for one login from its addresses. It is wrapped: the broker never sees it.
   * @throws ServiceError `vault_refused` where Vault does not let the broker, `vault_unavailable`, `vault_sealed`
   */
  issue(caller: Caller, signal: AbortSignal): Promise<Issued>
  /** By caller, what is left of the newest secret id that was issued to it, used or not; 0 once it has ended. */
  msLeft(): ReadonlyMap<string, number>
  /** What the broker logs in with to read this caller's secrets: from its own address, so bound to none of the caller's. */
  credential(caller: Caller, signal: AbortSignal): Promise<Credential>
}

export function createIssuer(options: IssuerOptions): Issuer {
  const { identity, wrapTtlSeconds, secretIdTtlSeconds } = options
  const { clock } = identity.server
  const endsAt = new Map<string, number>()

  async function issue(role: string, cidrs: readonly string[], signal: AbortSignal) {
    const limits = { wrapTtlSeconds, ttlSeconds: secretIdTtlSeconds, uses: 1 }
    const bound = cidrs.length > 0 && { cidrs }
    try {
      // One after the other: on raft, OpenBao answers 500 where a role is read while an id of it is written.
      const roleId = await readRoleId(identity, { role }, signal)
      const wrapped = await issueWrappedSecretId(identity, { role, ...limits, ...bound }, signal)
      return { ...wrapped, roleId }
    } catch (error) {
      signal.throwIfAborted()
      throw asOurFault(error, role)
    }
  }

  return {
    secretIdTtlSeconds,
    async issue({ name, role, cidrs }, signal) {
      const askedAt = clock.now()
      const issued = await issue(role, cidrs, signal)
      endsAt.set(name, askedAt + secretIdTtlSeconds * 1_000)
      return issued
    },
    msLeft() {
      const now = clock.now()
      return new Map([...endsAt].map(([name, at]) => [name, Math.max(0, at - now)]))
    },
    async credential({ role }, signal) {
      const { roleId, wrappingToken, creationPath } = await issue(role, [], signal)
      return { kind: 'wrapped', roleId, wrappingToken, creationPath }
    },
  }
}

/** What Vault denies to the broker it has not denied to the caller, who must not be told so. */
function asOurFault(error: unknown, role: string): unknown {
  if (!(error instanceof ServiceError) || error.status >= 500) return error
  const text = `Vault does not let the broker issue for ${role} (${error.code})`
  return new ServiceError('vault_refused', text)
}
