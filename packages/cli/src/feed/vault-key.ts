import { parseEnv } from '@usdcop/service/config'
import { ServiceError } from '@usdcop/service/errors'
import { textOfFile } from '@usdcop/vault/credential-sources'
import { isConnectivity } from '@usdcop/vault/faults'
import { createIdentity } from '@usdcop/vault/identity'
import { serviceVaultSchema } from '@usdcop/vault/vault-config'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { type SecretNews, watchSecret } from '@usdcop/vault/watched-secret'
import { isKey } from '../peer.ts'
import type { FeedReport } from './feed.ts'
import { keepTrying, NotNow } from './keep-trying.ts'
import type { MaterializerKey } from './key.ts'

const FIELD = 'materializer_key'

/** Watched: another one is taken within VAULT_CACHE_TTL, and at once where the materializer refuses this one. */
export interface VaultKey extends MaterializerKey, AsyncDisposable {}

/**
 * The key in a secret of Vault, under the identity that the variables of `vaultSchema` name. A Vault or a broker that is away is
 * waited for.
 * @param path of the secret, below the mount of KV
 * @throws ServiceError `config_invalid` where no Vault is named, or no key is in the secret; and what Vault refuses
 */
export async function openVaultKey(
  path: string,
  env: NodeJS.ProcessEnv,
  report: (report: FeedReport) => void,
  signal: AbortSignal,
): Promise<VaultKey> {
  const { vault } = parseEnv(serviceVaultSchema, env)
  if (vault === undefined)
    throw new ServiceError('config_invalid', 'a key in Vault goes with VAULT_ADDR')
  const { address, namespace, timeoutMs, caFile, source, mount, ttlMs } = vault
  const ca = caFile === undefined ? undefined : await textOfFile(caFile, signal)
  await using opened = new AsyncDisposableStack()
  const server = opened.use(
    createVaultServer({
      address,
      namespace,
      timeoutMs,
      tls: { ca },
      observe({ kind }) {
        if (kind === 'alert') report({ kind: 'alert' })
      },
    }),
  )
  const identity = opened.use(createIdentity(server, { name: 'feed', source }))

  let key: string | undefined
  function hear(news: SecretNews): void {
    // Denied or gone, it may hold all the same: the materializer will say so.
    if (news.kind === 'withdrawn') return
    const text = news.secret.fields.get(FIELD)?.reveal()
    if (text === undefined || !isKey(text)) return report({ kind: 'unkeyed', path })
    if (key !== undefined) report({ kind: 'rekeyed' })
    key = text
  }
  const watch = () =>
    watchSecret(identity, { mount, path, ttlMs }, hear, signal).catch((error: unknown) => {
      throw isConnectivity(error) ? new NotNow(error.message, { cause: error }) : error
    })
  const patience = { onAway: (why: string) => report({ kind: 'keyless', why }), onBack: () => {} }
  const watched = opened.use(await keepTrying(watch, patience, signal))
  if (key === undefined)
    throw new ServiceError('config_invalid', `${path} holds no key as ${FIELD}`)

  const first: string = key
  const all = opened.move()
  return {
    current: () => key ?? first,
    renew: (until) => watched.refresh(until),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}
