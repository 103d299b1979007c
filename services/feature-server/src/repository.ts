import { join } from 'node:path'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { AuthConfig } from '@usdcop/feast/config/repo-config'
import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { followRegistry } from '@usdcop/feast/registry/hot-registry'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import type { Config } from './config.ts'

/** A Feast repository that is served: its registry, followed, and the online store it names. */
export interface ServedRepository {
  readonly registry: RegistrySource
  readonly store: OnlineStore
  /** Who gives out tokens, where `feature_store.yaml` says so. */
  readonly auth: AuthConfig
}

/** Opens the repository in a folder; the lifecycle closes it. */
export async function openRepository(
  { directory, variables }: NonNullable<Config['repository']>,
  life: Lifecycle,
  logger: Logger,
): Promise<ServedRepository> {
  const config = await readRepoConfig(directory, variables)
  const kept = openRegistry(config.registry, config.project)
  life.onClose('registry', () => kept.close())
  const registry = await followRegistry(kept, {
    intervalMs: config.registry.cacheTtlMs,
    onError: (error) => logger.warn({ err: error }, 'the registry was not read'),
    signal: life.signal,
  })
  life.onClose('registry follower', () => registry.stop())
  const store = openOnlineStore(config.onlineStore, config.project, {
    onError: (error) => logger.warn({ err: error }, 'redis'),
  })
  life.onClose('online store', () => store.close())
  const { project } = config
  logger.info({ file: join(directory, 'feature_store.yaml'), project }, 'serving a repository')
  return { registry, store, auth: config.auth }
}
