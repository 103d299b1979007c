import { given } from './given.ts'
import { ask, askJson } from './http.ts'

export interface VaultSetup {
  /** By path, with its slash. */
  readonly mounts: Readonly<Record<string, unknown>>
  readonly auth: Readonly<Record<string, unknown>>
  readonly policies: readonly string[]
}

export function withVaultToken(): Readonly<Record<string, string>> {
  return { 'x-vault-token': given.vaultToken }
}

export interface LentToken {
  readonly accessor: string
  /** The AppRole that it was got with; undefined of one that was got otherwise. */
  readonly role: string | undefined
}

/** Every token that is valid, without the tokens themselves. */
export async function lentTokens(signal: AbortSignal): Promise<readonly LentToken[]> {
  const headers = withVaultToken()
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
    const { meta } = (JSON.parse(text) as { data: { meta: { role_name?: string } | null } }).data
    return [{ accessor, role: meta?.role_name }]
  })
  return (await Promise.all(looked)).flat()
}

/** The roles of services of ours that hold a valid token, each once. */
export async function loggedIn(signal: AbortSignal): Promise<readonly string[]> {
  const roles = (await lentTokens(signal)).flatMap(({ role }) => role ?? [])
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
): Promise<Readonly<Record<string, string>>> {
  const { data } = await askJson<{ data: { data: Record<string, string> } }>(
    'vault',
    `/v1/secret/data/${path}`,
    { headers: withVaultToken() },
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
