import { given } from './given.ts'
import { askJson } from './http.ts'

export interface VaultSetup {
  /** By path, with its slash. */
  readonly mounts: Readonly<Record<string, unknown>>
  readonly auth: Readonly<Record<string, unknown>>
  readonly policies: readonly string[]
}

export function withVaultToken(): Readonly<Record<string, string>> {
  return { 'x-vault-token': given.vaultToken }
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
