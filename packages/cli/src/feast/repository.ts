import { resolve } from 'node:path'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { RepoConfig } from '@usdcop/feast/config/repo-config'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import type { RegistryStore } from '@usdcop/feast/registry/registry-store'
import type { Transformer } from '@usdcop/feast/serving/transform'
import { type OpenStore, openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { openTransformer } from '@usdcop/feast/transformation/open-transformer'
import { parseEnv } from '@usdcop/service/config'
import { z } from 'zod'
import type { World } from '../world.ts'

/** Where the repository is: `-c`, of the group and so of every verb. */
export interface RepositoryOptions {
  readonly chdir: string
}

/** A Feast repository: its `feature_store.yaml` as read, and what that names. */
export interface Repository {
  readonly directory: string
  readonly config: RepoConfig
}

export async function readRepository(
  { chdir }: RepositoryOptions,
  { env }: World,
): Promise<Repository> {
  const directory = resolve(chdir)
  const config = await readRepoConfig(directory, { ...connectionString(env), ...env })
  return { directory, config }
}

/** Opens the registry for one piece of work. */
export async function withRegistry<T>(
  { config }: Repository,
  work: (registry: RegistryStore) => Promise<T>,
): Promise<T> {
  const registry = openRegistry(config.registry, config.project)
  try {
    return await work(registry)
  } finally {
    await registry.close()
  }
}

/**
 * Opens the online store for one piece of work, and waits some seconds for it to answer.
 * @throws ServiceError `store_unavailable` with the reason of the last refusal
 */
export async function withStore<T>(
  { config }: Repository,
  signal: AbortSignal,
  work: (store: OpenStore) => Promise<T>,
): Promise<T> {
  let reason: Error | undefined
  const store = openOnlineStore(config.onlineStore, config.project, {
    onError: (error) => {
      reason = error
    },
  })
  try {
    await untilReady(store, signal, () => reason)
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Opens what runs on-demand views for one piece of work. */
export async function withTransformer<T>(
  { config }: Repository,
  work: (transform: Transformer) => Promise<T>,
): Promise<T> {
  const { transform, close } = await openTransformer(config)
  try {
    return await work(transform)
  } finally {
    close()
  }
}

const RedisEnv = z.object({ REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional() })

/**
 * The services here are told of Redis by `REDIS_URL` or `REDIS_URL_FILE`; a `feature_store.yaml` can
 * name the same one as `${REDIS_CONNECTION_STRING}`.
 */
export function connectionString(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { REDIS_URL } = parseEnv(RedisEnv, env, { secrets: ['REDIS_URL'] })
  if (REDIS_URL === undefined) return {}
  const { protocol, host, username, password, pathname } = new URL(REDIS_URL)
  const database = pathname.slice(1)
  const options = [
    username === '' ? [] : `username=${decodeURIComponent(username)}`,
    password === '' ? [] : `password=${decodeURIComponent(password)}`,
    database === '' ? [] : `db=${database}`,
    protocol === 'rediss:' ? 'ssl=true' : [],
  ]
  return { REDIS_CONNECTION_STRING: [host, ...options.flat()].join(',') }
}
