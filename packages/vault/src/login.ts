import { createHash } from 'node:crypto'
import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { leaseMs, readAnswer, secretText } from './answers.ts'
import type { Availability } from './availability.ts'
import type { Clock } from './clock.ts'
import type { Observe } from './events.ts'
import type { Lent } from './keeper.ts'
import { mayShowAt } from './renewal.ts'
import type { Secret } from './secret.ts'
import { secretName, secretPath } from './secret-path.ts'
import type { VaultClient } from './vault-server.ts'

/** What an identity shows to Vault. */
export type Credential =
  | { readonly kind: 'token'; readonly token: Secret }
  | {
      readonly kind: 'approle'
      readonly roleId: string
      readonly secretId: Secret
      /** Where AppRole is mounted; `approle` unless given. */
      readonly mount?: string
      /** Called once Vault has refused it, before the fault is passed on. */
      readonly onRefused?: () => Promise<void>
    }
  | {
      readonly kind: 'wrapped'
      readonly roleId: string
      readonly wrappingToken: Secret
      /** Where it must have been made; from anywhere else it is not unwrapped. */
      readonly creationPath: string
      readonly mount?: string
      /** Called once its origin is proven, before it is opened: from then on it may be spent. */
      readonly onOpening?: () => Promise<void>
      /** Called with what was in it, before that is shown. */
      readonly onOpened?: (secretId: Secret) => Promise<void>
      readonly onRefused?: () => Promise<void>
    }

/** Asked before each login: a file that may have changed, a broker that makes a fresh wrapped secret id. */
export interface CredentialSource {
  (signal: AbortSignal): Promise<Credential>
  /** Where whoever hands them out can be away: called each time it comes back, until the returned function is. */
  readonly onUp?: Availability['onUp']
  readonly [Symbol.asyncDispose]?: () => PromiseLike<void>
}

export interface Token {
  readonly token: Secret
  /** False for a token that was given and belongs to somebody else: it is not revoked here. */
  readonly own: boolean
}

export interface LoginOptions {
  readonly client: VaultClient
  readonly identity: string
  readonly clock: Clock
  readonly observe: Observe
  readonly source: CredentialSource
}

const auth = z.object({
  auth: z.object({ client_token: secretText, lease_duration: leaseMs, renewable: z.boolean() }),
})
const lookup = z.object({ data: z.object({ ttl: leaseMs, renewable: z.boolean().default(false) }) })
const wrapping = z.object({ data: z.object({ creation_path: z.string() }) })
const unwrapped = z.object({ data: z.object({ secret_id: secretText }) })

/**
 * Makes the function that logs in. It shows no credential that Vault has refused a second time, and others after a
 * refusal no sooner than `mayShowAt` says: wrong logins lock a role.
 * @throws (the function) ServiceError `vault_login_refused`, `wrapping_token_spent`, `vault_unavailable`, `vault_sealed`
 */
export function createLogin(options: LoginOptions): (signal: AbortSignal) => Promise<Lent<Token>> {
  const { client, identity, clock, observe, source } = options
  const refused = new Set<string>()
  let refusals = 0
  let refusedAt = -Infinity
  /** What the newest wrapping token held: it can be unwrapped once, and its secret id may be good for more logins. */
  let memo: { readonly digest: string; readonly secretId: Secret } | undefined

  async function unwrap(
    credential: Credential & { kind: 'wrapped' },
    signal: AbortSignal,
  ): Promise<Secret> {
    const { wrappingToken, creationPath } = credential
    const digest = digestOf(wrappingToken)
    if (memo?.digest === digest) return memo.secretId
    try {
      const path = secretPath('sys/wrapping/lookup')
      const body = { token: wrappingToken.reveal() }
      const told = await client.call(
        undefined,
        { operation: 'unwrap', verb: 'write', path, body },
        signal,
      )
      const { data } = readAnswer(wrapping, told, 'lookup of a wrapping token')
      // A token that somebody made elsewhere could hold a secret id of theirs.
      if (data.creation_path !== creationPath)
        throw new ServiceError(
          'wrapping_token_spent',
          `the wrapping token was not made at ${creationPath}`,
        )
      await credential.onOpening?.()
      const ask = {
        operation: 'unwrap',
        verb: 'write',
        path: secretPath('sys/wrapping/unwrap'),
      } as const
      const answer = await client.call(wrappingToken, ask, signal)
      const { secret_id: secretId } = readAnswer(unwrapped, answer, 'unwrapping').data
      memo = { digest, secretId }
      await credential.onOpened?.(secretId)
      return secretId
    } catch (error) {
      if (isRefusal(error)) observe({ kind: 'alert', identity, alert: 'wrapping_token_spent' })
      throw error
    }
  }

  async function present(credential: Credential, signal: AbortSignal): Promise<Lent<Token>> {
    if (credential.kind === 'token') return lookUp(client, credential.token, clock, signal)
    const { roleId, mount = 'approle' } = credential
    const secretId =
      credential.kind === 'approle' ? credential.secretId : await unwrap(credential, signal)
    const path = secretPath(`auth/${secretPath(mount)}/login`)
    const grantedAt = clock.now()
    const body = { role_id: secretName(roleId), secret_id: secretId.reveal() }
    const answer = await client.call(
      undefined,
      { operation: 'login', verb: 'write', path, body },
      signal,
    )
    const {
      client_token: token,
      lease_duration: durationMs,
      renewable,
    } = readAnswer(auth, answer, 'login').auth
    return { value: { token, own: true }, grant: { grantedAt, durationMs, renewable } }
  }

  return async (signal) => {
    // Asked first: a source may make a credential each time, and none is made that may not be shown.
    if (clock.now() < (refusals === 0 ? -Infinity : mayShowAt(refusals, refusedAt)))
      throw new ServiceError(
        'vault_login_refused',
        'Vault has refused several credentials; the next one waits, lest the role be locked',
      )
    const credential = await source(signal)
    const digest = digestOf(shownBy(credential))
    if (refused.has(digest))
      throw new ServiceError(
        'vault_login_refused',
        'Vault has refused this credential; it waits for another one',
      )
    try {
      const lent = await present(credential, signal)
      refusals = 0
      refused.clear()
      return lent
    } catch (error) {
      if (isRefusal(error)) {
        refused.add(digest)
        refusals += 1
        refusedAt = clock.now()
        if (credential.kind !== 'token') await credential.onRefused?.()
      }
      throw error
    }
  }
}

/** How long a given token lives. */
async function lookUp(
  client: VaultClient,
  token: Secret,
  clock: Clock,
  signal: AbortSignal,
): Promise<Lent<Token>> {
  const grantedAt = clock.now()
  const path = secretPath('auth/token/lookup-self')
  const answer = await client.call(token, { operation: 'login', verb: 'read', path }, signal)
  const { ttl: durationMs, renewable } = readAnswer(lookup, answer, 'lookup of the token').data
  return { value: { token, own: false }, grant: { grantedAt, durationMs, renewable } }
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof ServiceError &&
    (error.code === 'vault_login_refused' || error.code === 'wrapping_token_spent')
  )
}

function shownBy(credential: Credential): Secret {
  if (credential.kind === 'token') return credential.token
  return credential.kind === 'approle' ? credential.secretId : credential.wrappingToken
}

function digestOf(secret: Secret): string {
  return createHash('sha256').update(secret.reveal()).digest('base64')
}
