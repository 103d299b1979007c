import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { parse } from 'yaml'
import { z } from 'zod'
import { parseConnectionString } from './connection-string.ts'
import { parsePostgresUrl } from './postgres-url.ts'
import type { AuthConfig, OnlineStoreConfig, RegistryConfig, RepoConfig } from './repo-config.ts'

const FILE = 'feature_store.yaml'

/** @throws ServiceError `config_invalid` where there is no file, or what it says is not supported */
export async function readRepoConfig(
  directory: string,
  env: NodeJS.ProcessEnv,
): Promise<RepoConfig> {
  const file = join(directory, FILE)
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new ServiceError('config_invalid', `${file} cannot be read`, { cause: error })
  }
  return parseFeatureStoreYaml(text, env, directory)
}

/**
 * What a `feature_store.yaml` says. Keys of the top that are unknown are let be, as in Feast; those of
 * a section are faults.
 * @param directory where relative paths begin
 * @throws ServiceError `config_invalid` naming every fault by its key
 */
export function parseFeatureStoreYaml(
  text: string,
  env: NodeJS.ProcessEnv,
  directory: string,
): RepoConfig {
  const parsed = FeatureStore.safeParse(readYaml(expand(text, env)))
  if (!parsed.success)
    throw new ServiceError('config_invalid', `${FILE}:\n${z.prettifyError(parsed.error)}`)
  const { project, registry, online_store, offline_store, auth, ...rest } = parsed.data
  return {
    project,
    registry: registryOf(registry, directory),
    onlineStore: onlineStoreOf(online_store, directory),
    offlineStoreType: typeof offline_store === 'string' ? offline_store : offline_store.type,
    auth: authOf(auth),
    transformationEndpoint: rest.feature_server?.transformation_service_endpoint,
    onlineWriteBatchSize: rest.materialization?.online_write_batch_size ?? undefined,
  }
}

/** As Python's `os.path.expandvars`: a variable that is not set stays as it is written. */
function expand(text: string, env: NodeJS.ProcessEnv): string {
  return text.replaceAll(
    /\$(?:\{(?<braced>[^}]*)\}|(?<bare>\w+))/g,
    (written: string, braced?: string, bare?: string) => {
      const name = braced ?? bare ?? ''
      // What every object inherits, as `toString`, is no variable.
      return Object.hasOwn(env, name) ? (env[name] ?? written) : written
    },
  )
}

function readYaml(text: string): unknown {
  try {
    return parse(text, { version: '1.1' })
  } catch {
    // The parser's words quote the text, which may hold a password.
    throw new ServiceError('config_invalid', `${FILE} is no YAML`)
  }
}

const text = z.string()

const Registry = z.discriminatedUnion('registry_type', [
  z.strictObject({
    registry_type: z.literal('file'),
    registry_store_type: z.enum(['FileRegistryStore', 'LocalRegistryStore']).optional(),
    ...sharedOfRegistries(),
  }),
  z.strictObject({
    registry_type: z.literal('sql'),
    read_path: text.nullish(),
    sqlalchemy_config_kwargs: z
      .looseObject({ connect_args: z.record(text, z.unknown()).optional() })
      .default({}),
    thread_pool_executor_worker_count: z.int().optional(),
    schema_mode: z.enum(['auto', 'verify', 'skip']).default('auto'),
    ...sharedOfRegistries(),
  }),
])

function sharedOfRegistries() {
  return {
    path: text,
    cache_ttl_seconds: z.int().min(0).default(600),
    cache_mode: z.enum(['sync', 'thread']).default('sync'),
    s3_additional_kwargs: z.unknown().optional(),
    purge_feast_metadata: z.boolean().default(false),
    enable_online_feature_view_versioning: z.boolean().default(false),
    serve_features_while_materializing: z.boolean().optional(),
    mcp: z.unknown().optional(),
  }
}

const OnlineStore = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('redis'),
    redis_type: z.enum(['redis', 'redis_cluster', 'redis_sentinel']).default('redis'),
    client: z.string().optional(),
    sentinel_master: text.default('mymaster'),
    connection_string: text.default('localhost:6379'),
    key_ttl_seconds: z.int().nullish(),
    full_scan_for_deletion: z.boolean().nullish(),
    skip_dedup: z.boolean().default(false),
  }),
  z.strictObject({ type: z.literal('lmdb'), path: text }),
])

const Auth = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('no_auth') }),
  z.looseObject({
    type: z.literal('oidc'),
    auth_discovery_url: text,
    client_id: text.optional(),
    audience: text.optional(),
    issuer: text.optional(),
    verify_ssl: z.boolean().default(true),
    ca_cert_path: text.optional(),
  }),
])

const FeatureStore = z.looseObject({
  project: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_]*$/),
  registry: z.preprocess(withFileType, Registry),
  online_store: z.preprocess(asSection, OnlineStore),
  offline_store: z.union([text, z.looseObject({ type: text })]).default('dask'),
  auth: z.preprocess(asSection, Auth).default({ type: 'no_auth' }),
  // Others lay out keys in another way, which nothing here reads.
  entity_key_serialization_version: z.literal(3).default(3),
  feature_server: z
    .looseObject({ transformation_service_endpoint: text.optional() })
    .nullish()
    .transform((section) => section ?? undefined),
  materialization: z
    .looseObject({ online_write_batch_size: z.int().min(1).nullish() })
    .nullish()
    .transform((section) => section ?? undefined),
})

/** `registry: data/registry.db` is a file, and so is a section that does not say what it is. */
function withFileType(section: unknown): unknown {
  if (typeof section === 'string') return { registry_type: 'file', path: section }
  const isSection = typeof section === 'object' && section !== null
  return isSection && !('registry_type' in section)
    ? { ...section, registry_type: 'file' }
    : section
}

/** `online_store: redis` is `online_store: {type: redis}`; without any Feast takes SQLite. */
function asSection(section: unknown): unknown {
  return typeof section === 'string' ? { type: section } : section
}

function registryOf(registry: z.output<typeof Registry>, directory: string): RegistryConfig {
  const shared = {
    cacheTtlMs: registry.cache_ttl_seconds * 1_000,
    onlineVersioning: registry.enable_online_feature_view_versioning,
  }
  if (registry.registry_type === 'sql') {
    const { path, read_path, sqlalchemy_config_kwargs: kwargs } = registry
    return {
      type: 'sql',
      connection: parsePostgresUrl(path, kwargs.connect_args),
      readConnection: parsePostgresUrl(read_path || path, kwargs.connect_args),
      makesTables: registry.schema_mode === 'auto',
      keepsMetadata: !registry.purge_feast_metadata,
      ...shared,
    }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(registry.path))
    throw new ServiceError('config_invalid', `${FILE}: registry: only local files are read here`)
  return { type: 'file', path: resolve(directory, registry.path), ...shared }
}

function onlineStoreOf(store: z.output<typeof OnlineStore>, directory: string): OnlineStoreConfig {
  if (store.type === 'lmdb') return { type: 'lmdb', path: resolve(directory, store.path) }
  return {
    type: 'redis',
    redisType: store.redis_type,
    sentinelMaster: store.sentinel_master,
    ...parseConnectionString(store.connection_string),
    keyTtlSeconds: store.key_ttl_seconds ?? undefined,
    skipDedup: store.skip_dedup,
  }
}

function authOf(auth: z.output<typeof Auth>): AuthConfig {
  if (auth.type === 'no_auth') return auth
  return {
    type: 'oidc',
    discoveryUrl: auth.auth_discovery_url,
    clientId: auth.client_id,
    audience: auth.audience,
    issuer: auth.issuer,
    verifySsl: auth.verify_ssl,
    caCertPath: auth.ca_cert_path || undefined,
  }
}
