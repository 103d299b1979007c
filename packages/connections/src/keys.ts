import { type ApiKey, createKeyring, type Keyring } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import { createLiveKeyring } from '@usdcop/service/live-keyring'
import type { Logger } from '@usdcop/service/log'
import type { Registry } from 'prom-client'
import type { Vault } from './vault.ts'

export interface KeyringSettings {
  readonly apiKeys: readonly ApiKey[]
  /** Path of the secret whose field `api_keys` is read in their place. */
  readonly apiKeysSecret: string | undefined
}

export interface KeyringParts {
  readonly vault: Vault | undefined
  readonly logger: Logger
  readonly registry: Registry
}

/**
 * Who may come in. From Vault they change live: a text that cannot be read changes nothing; a secret that Vault denies, or that is
 * gone, lets nobody in, for then nobody vouches for them any more.
 */
export async function openKeyring(
  { apiKeys, apiKeysSecret: path }: KeyringSettings,
  { vault, logger, registry }: KeyringParts,
): Promise<Keyring> {
  if (path === undefined || vault === undefined) return createKeyring(apiKeys)
  const keyring = createLiveKeyring({ keys: [], logger, registry })
  let readable = false
  await vault.watch(path, (news) => {
    if (news.kind === 'withdrawn') keyring.empty()
    else readable = keyring.take(news.secret.fields.get('api_keys')?.reveal())
  })
  if (!readable) throw new ServiceError('config_invalid', `api_keys of ${path} cannot be read`)
  return keyring
}

/**
 * One field of a secret, always the newest. A change that lacks it changes nothing, and neither does a denial: whoever is shown
 * it will say whether it holds.
 */
export async function openText(
  vault: Vault,
  { path, field }: { readonly path: string; readonly field: string },
  logger: Logger,
): Promise<() => string> {
  let text: string | undefined
  await vault.watch(path, (news) => {
    if (news.kind === 'withdrawn') return
    const value = news.secret.fields.get(field)
    if (value === undefined) logger.error({ path, field }, 'a secret lacks a field')
    else text = value.reveal()
  })
  if (text === undefined) throw new ServiceError('config_invalid', `${path} has no field ${field}`)
  const first: string = text
  return () => text ?? first
}
