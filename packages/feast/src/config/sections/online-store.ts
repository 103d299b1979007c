import { resolve } from 'node:path'
import { z } from 'zod'
import { parseConnectionString } from '../connection-string.ts'
import type { OnlineStoreConfig } from '../repo-config.ts'
import { asSection, textIn, unread } from './section.ts'

const INSTEAD =
  'use `type: redis`, which Feast reads and writes too, or `type: lmdb` with a `path`, a store of ' +
  'this server alone, and materialize into it'

/** Feast's others, which are known and not served. */
const NOT_SERVED = new Set([
  'aerospike',
  'bigtable',
  'cassandra',
  'chronon',
  'couchbase.online',
  'datastore',
  'dynamodb',
  'elasticsearch',
  'hazelcast',
  'hbase',
  'hybrid',
  'milvus',
  'mongodb',
  'mysql',
  'postgres',
  'qdrant',
  'remote',
  'scylladb',
  'singlestore',
  'snowflake.online',
])

const Redis = z.strictObject({
  type: z.literal('redis'),
  redis_type: z.enum(['redis', 'redis_cluster', 'redis_sentinel']).default('redis'),
  sentinel_master: z.string().default('mymaster'),
  connection_string: z.string().default('localhost:6379'),
  key_ttl_seconds: z.int().nullish(),
  skip_dedup: z.boolean().default(false),
  // Which client Python reads with; and whether Feast's `apply` deletes rows, which ours lets be.
  ...unread('client', 'full_scan_for_deletion'),
})

const Lmdb = z.strictObject({ type: z.literal('lmdb'), path: z.string() })

export const OnlineStore = z.preprocess(
  withSqliteType,
  z.discriminatedUnion('type', [Redis, Lmdb], { error: ({ input }) => whyNotServed(input) }),
)

/** What is left out is SQLite, as in Feast: the whole section, or its type. */
function withSqliteType(section: unknown): unknown {
  if (section === undefined) return { type: 'sqlite' }
  const isUntyped = typeof section === 'object' && section !== null && !('type' in section)
  return isUntyped ? { ...section, type: 'sqlite' } : asSection(section)
}

function whyNotServed(section: unknown): string {
  const type = textIn(section, 'type')
  if (type === 'sqlite')
    return `\`online_store: sqlite\`, which Feast takes where no type is given, is not served here: ${INSTEAD}`
  if (type !== undefined && NOT_SERVED.has(type))
    return `\`online_store: ${type}\` is not served here: ${INSTEAD}`
  if (type?.endsWith('OnlineStore'))
    return `a store that is a class in Python does not run here: ${INSTEAD}`
  return `no online store of Feast's is named: ${INSTEAD}`
}

/** @throws ServiceError `config_invalid` naming what a connection string holds that is not known */
export function onlineStoreOf(
  store: z.output<typeof OnlineStore>,
  directory: string,
): OnlineStoreConfig {
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
