import { given } from './given.ts'
import { ask, askJson } from './http.ts'

export interface VaultSetup {
  /** By path, with its slash. */
  readonly mounts: Readonly<Record<string, unknown>>
  readonly auth: Readonly<Record<string, unknown>>
  readonly policies: readonly string[]
}

/** The root token of the development profiles, where no other is given. */
export function withVaultToken(token = given.vaultToken): Readonly<Record<string, string>> {
  return { 'x-vault-token': token }
}

export interface LentToken {
  readonly accessor: string
  /** The AppRole that it was got with; undefined of one that was got otherwise. */
  readonly role: string | undefined
  readonly policies: readonly string[]
}

interface LookedUp {
  readonly meta: { readonly role_name?: string } | null
  readonly policies: readonly string[]
}

/** Every token that is valid, without the tokens themselves. */
export async function lentTokens(
  signal: AbortSignal,
  token?: string,
): Promise<readonly LentToken[]> {
  const headers = withVaultToken(token)
  const { data } = await askJson<{ data: { keys: string[] } }>(
    'vault',
    '/v1/auth/token/accessors?list=true',
    { headers },
    signal,
  )
  const looked = data.keys.map(async (accessor) => {
    const path = '/v1/auth/token/lookup-accessor'
    const { status, text } = await ask('vault', path, { body: { accessor }, headers }, signal)
    // It may have ended since it was listed.
    if (status !== 200) return []
    const { meta, policies } = (JSON.parse(text) as { data: LookedUp }).data
    return [{ accessor, role: meta?.role_name, policies }]
  })
  return (await Promise.all(looked)).flat()
}

/** The roles of services of ours that hold a valid token, each once. */
export async function loggedIn(signal: AbortSignal, token?: string): Promise<readonly string[]> {
  const roles = (await lentTokens(signal, token)).flatMap(({ role }) => role ?? [])
  return [...new Set(roles)].toSorted()
}

export async function revokeTokensOf(role: string, signal: AbortSignal): Promise<void> {
  const path = '/v1/auth/token/revoke-accessor'
  for (const { accessor } of (await lentTokens(signal)).filter((one) => one.role === role))
    await ask('vault', path, { body: { accessor }, headers: withVaultToken() }, signal)
}

/** The fields of a secret of KV. */
export async function kvFields(
  path: string,
  signal: AbortSignal,
  token?: string,
): Promise<Readonly<Record<string, string>>> {
  const { data } = await askJson<{ data: { data: Record<string, string> } }>(
    'vault',
    `/v1/secret/data/${path}`,
    { headers: withVaultToken(token) },
    signal,
  )
  return data.data
}

/** What vault-init has made of an empty Vault. */
export async function readVaultSetup(signal: AbortSignal): Promise<VaultSetup> {
  const read = async <T>(path: string): Promise<T> => {
    const { data } = await askJson<{ data: T }>(
      'vault',
      path,
      { headers: withVaultToken() },
      signal,
    )
    return data
  }
  const { keys } = await read<{ keys: string[] }>('/v1/sys/policies/acl?list=true')
  return {
    mounts: await read('/v1/sys/mounts'),
    auth: await read('/v1/sys/auth'),
    policies: keys,
  }
}
