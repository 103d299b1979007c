import { resolve } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { z } from 'zod'
import { parsePostgresUrl } from '../postgres-url.ts'
import type { RegistryConfig } from '../repo-config.ts'
import { textIn, unread } from './section.ts'

const IN_BUCKETS = 'only local files are read here'
const NOT_READ = new Map([
  ['snowflake.registry', 'a registry in Snowflake is not read here'],
  ['remote', 'a registry behind gRPC is not read here; name the file or the database behind it'],
])

const shared = {
  path: z.string(),
  cache_ttl_seconds: z.int().min(0).default(600),
  purge_feast_metadata: z.boolean().default(false),
  enable_online_feature_view_versioning: z.boolean().default(false),
  // How a cache is refreshed: here always beside the serving.
  cache_mode: z.enum(['sync', 'thread']).optional(),
  // Views are served here in whatever state they are.
  serve_features_while_materializing: z.boolean().optional(),
  // Of buckets, which are refused by their address; and of Feast's `serve_registry`.
  ...unread('s3_additional_kwargs', 'mcp'),
}

const FileRegistry = z.strictObject({
  registry_type: z.literal('file'),
  registry_store_type: z
    .enum(['FileRegistryStore', 'LocalRegistryStore'], { error: IN_BUCKETS })
    .nullish(),
  ...shared,
})

const SqlRegistry = z.strictObject({
  registry_type: z.literal('sql'),
  read_path: z.string().nullish(),
  // Beside `connect_args` all is SQLAlchemy's own.
  sqlalchemy_config_kwargs: z
    .looseObject({ connect_args: z.record(z.string(), z.unknown()).optional() })
    .default({}),
  schema_mode: z.enum(['auto', 'verify', 'skip']).default('auto'),
  // Of Python's threads; and of files.
  ...unread('thread_pool_executor_worker_count', 'registry_store_type'),
  ...shared,
})

export const Registry = z.preprocess(
  withFileType,
  z.discriminatedUnion('registry_type', [FileRegistry, SqlRegistry], {
    error: ({ input }) =>
      NOT_READ.get(textIn(input, 'registry_type') ?? '') ??
      'a path, or a section of the registry_type file or sql, is needed',
  }),
)

/** `registry: data/registry.db` is a file, and so is a section that does not say what it is. */
function withFileType(section: unknown): unknown {
  if (typeof section === 'string') return { registry_type: 'file', path: section }
  const isSection = typeof section === 'object' && section !== null
  return isSection && !('registry_type' in section)
    ? { ...section, registry_type: 'file' }
    : section
}

/** @throws ServiceError `config_invalid` for an address in a bucket or of another database */
export function registryOf(registry: z.output<typeof Registry>, directory: string): RegistryConfig {
  const both = {
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
      ...both,
    }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(registry.path))
    throw new ServiceError('config_invalid', `feature_store.yaml: registry: ${IN_BUCKETS}`)
  return { type: 'file', path: resolve(directory, registry.path), ...both }
}
