import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { readAnswer, secretText } from './answers.ts'
import type { Identity } from './identity.ts'
import type { Secret } from './secret.ts'
import { secretName, secretPath } from './secret-path.ts'
import type { VaultClient } from './vault-server.ts'

/** What Vault says of a secret id. */
export interface SecretIdFacts {
  readonly accessor: string
  /** Epoch milliseconds, by Vault's clock. */
  readonly createdAt: number
  /** `Infinity` where it never ends. */
  readonly expiresAt: number
  /** Addresses that may log in with it. */
  readonly cidrs: readonly string[]
  /** Addresses that may use the tokens. */
  readonly tokenCidrs: readonly string[]
}

const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text))
const addresses = z
  .array(z.string())
  .nullish()
  .transform((list) => list ?? [])
const facts = z.object({
  data: z.object({
    secret_id_accessor: z.string().min(1),
    creation_time: instant,
    expiration_time: instant,
    cidr_list: addresses,
    token_bound_cidrs: addresses,
  }),
})
const made = z.object({ data: z.object({ secret_id: secretText }) })
const login = z.object({ auth: z.object({ client_token: secretText }) })

const pathOf = (role: string, rest: string) =>
  secretPath(`auth/approle/role/${secretName(role)}/${rest}`)

/** Undefined where Vault knows no such secret id, or none any more. */
export async function lookUpSecretId(
  identity: Identity,
  { role, secretId }: { readonly role: string; readonly secretId: Secret },
  signal: AbortSignal,
): Promise<SecretIdFacts | undefined> {
  const path = pathOf(role, 'secret-id/lookup')
  const body = { secret_id: secretId.reveal() }
  const ask = { operation: 'lookup', verb: 'write', path, body } as const
  const answer = await identity.ask(ask, signal).catch((error: unknown) => {
    if (error instanceof ServiceError && error.code === 'secret_absent') return undefined
    throw error
  })
  // Of one that it does not know OpenBao says nothing at all.
  if (answer === undefined) return undefined
  const { data } = readAnswer(facts, answer, `lookup at ${path}`)
  return {
    accessor: data.secret_id_accessor,
    createdAt: data.creation_time,
    // It tells no end as an instant of the year 1.
    expiresAt: data.expiration_time <= data.creation_time ? Infinity : data.expiration_time,
    cidrs: data.cidr_list,
    tokenCidrs: data.token_bound_cidrs,
  }
}

/** Another secret id of the role, as long and as narrow as one that is there. */
export async function makeSuccessor(
  identity: Identity,
  { role, of }: { readonly role: string; readonly of: SecretIdFacts },
  signal: AbortSignal,
): Promise<Secret> {
  const path = pathOf(role, 'secret-id')
  const seconds = Math.round((of.expiresAt - of.createdAt) / 1_000)
  const body = {
    ...(Number.isFinite(seconds) && { ttl: `${seconds}s` }),
    ...(of.cidrs.length > 0 && { cidr_list: of.cidrs }),
    ...(of.tokenCidrs.length > 0 && { token_bound_cidrs: of.tokenCidrs }),
  }
  const answer = await identity.ask({ operation: 'issue', verb: 'write', path, body }, signal)
  return readAnswer(made, answer, `issue at ${path}`).data.secret_id
}

/**
 * Logs in with a secret id and gives the token back.
 * @throws ServiceError `vault_login_refused` where it does not hold
 */
export async function proveSecretId(
  client: VaultClient,
  { roleId, secretId }: { readonly roleId: string; readonly secretId: Secret },
  signal: AbortSignal,
): Promise<void> {
  const path = secretPath('auth/approle/login')
  const body = { role_id: secretName(roleId), secret_id: secretId.reveal() }
  const ask = { operation: 'login', verb: 'write', path, body } as const
  const { auth } = readAnswer(login, await client.call(undefined, ask, signal), 'login')
  const revocation = secretPath('auth/token/revoke-self')
  await client.call(
    auth.client_token,
    { operation: 'revoke', verb: 'write', path: revocation },
    signal,
  )
}

/** Ends a secret id, which Vault may know no more. Tokens that it gave live on. */
export async function destroySecretId(
  identity: Identity,
  { role, secretId }: { readonly role: string; readonly secretId: Secret },
  signal: AbortSignal,
): Promise<void> {
  const known = await lookUpSecretId(identity, { role, secretId }, signal)
  if (known === undefined) return
  const path = pathOf(role, 'secret-id-accessor/destroy')
  const body = { secret_id_accessor: known.accessor }
  await identity.ask({ operation: 'revoke', verb: 'write', path, body }, signal)
}
