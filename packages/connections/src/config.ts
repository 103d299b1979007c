import type { ApiKey } from '@usdcop/service/auth'
import type { VaultSettings } from '@usdcop/vault/vault-config'
import type { z } from 'zod'

/** What a service takes from Vault, and the variables that stand for it where there is none. Each service reads some. */
export interface Credentials {
  readonly vault: VaultSettings | undefined
  readonly API_KEYS?: readonly ApiKey[]
  readonly API_KEYS_SECRET?: string | undefined
  readonly DATABASE_URL?: string | undefined
  readonly DATABASE_ROLE?: string | undefined
  readonly REDIS_URL?: string | undefined
  readonly REDIS_SECRET?: string | undefined
  readonly FEATURE_SERVER_KEY?: string
  readonly FEATURE_SERVER_KEY_SECRET?: string | undefined
}

/** For `superRefine`: a credential comes from one place, and from Vault only where there is one. */
export function checkCredentials(read: Credentials, context: z.RefinementCtx): void {
  const fault = (name: keyof Credentials, message: string) =>
    context.addIssue({ code: 'custom', path: [name], message })
  const taken = [
    'API_KEYS_SECRET',
    'DATABASE_ROLE',
    'REDIS_SECRET',
    'FEATURE_SERVER_KEY_SECRET',
  ] as const
  for (const name of taken)
    if (read[name] !== undefined && read.vault === undefined) fault(name, 'goes with VAULT_ADDR')
  if (read.API_KEYS_SECRET !== undefined && read.API_KEYS?.length !== 0)
    fault('API_KEYS_SECRET', 'API_KEYS is given as well; one of the two is enough')
  if (read.FEATURE_SERVER_KEY_SECRET !== undefined && read.FEATURE_SERVER_KEY !== '')
    fault(
      'FEATURE_SERVER_KEY_SECRET',
      'FEATURE_SERVER_KEY is given as well; one of the two is enough',
    )
  const addresses = [
    ['DATABASE_ROLE', 'DATABASE_URL', 'whose users Vault makes'],
    ['REDIS_SECRET', 'REDIS_URL', 'whose password is in Vault'],
  ] as const
  for (const [name, address, why] of addresses) {
    if (read[name] === undefined) continue
    const url = read[address]
    if (url === undefined) fault(name, `goes with ${address}, the address ${why}`)
    else if (hasUser(url)) fault(name, `${address} names a user or a password; it is one ${why}`)
  }
}

function hasUser(url: string): boolean {
  const { username, password } = new URL(url)
  return username !== '' || password !== ''
}
