import cluster from 'node:cluster'
import { join } from 'node:path'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { AuthConfig } from '@usdcop/feast/config/repo-config'
import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { followRegistry } from '@usdcop/feast/registry/hot-registry'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import type { OfflineWriter } from '@usdcop/feast/registry/offline-writer'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import type { Transformer } from '@usdcop/feast/serving/transform'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { openTransformer } from '@usdcop/feast/transformation/open-transformer'
import { createOfflineWriter } from '@usdcop/offline-store/append/offline-writer'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import type { Config } from './config.ts'
import { channelToParent } from './materialize/channel.ts'
import { openMaterializer } from './materialize/open-materializer.ts'
import { createRemoteMaterializer } from './materialize/remote-materializer.ts'

/** A Feast repository that is served: its registry, followed, and the online store it names. */
export interface ServedRepository {
  readonly registry: RegistrySource
  readonly store: OnlineStore
  /** Who gives out tokens, where `feature_store.yaml` says so. */
  readonly auth: AuthConfig
  /** Undefined for this platform's own features: the materializer service writes those. */
  readonly materializer?: Materializer | undefined
  /** Undefined for the same reason. */
  readonly offlineWriter?: OfflineWriter | undefined
  /** Undefined for this platform's own features, which are all written in TypeScript. */
  readonly transform?: Transformer | undefined
}

/** Opens the repository in a folder; the lifecycle closes it. */
export async function openRepository(
  repository: NonNullable<Config['repository']>,
  life: Lifecycle,
  logger: Logger,
): Promise<ServedRepository> {
  const { directory, variables } = repository
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
  // Workers share the primary's, so that one alone knows which views are busy.
  const materializer = cluster.isWorker
    ? createRemoteMaterializer(channelToParent())
    : openMaterializer(repository, life)
  const offlineWriter = createOfflineWriter(directory)
  const { transform, close } = await openTransformer(config)
  life.onClose('transformation service', close)
  return { registry, store, auth: config.auth, materializer, offlineWriter, transform }
}
