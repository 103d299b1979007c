import { expect, test } from 'vitest'
import { parseFeatureStoreYaml } from '../../src/config/feature-store-yaml.ts'

/** A repository with lines of its own; a key given twice is the later one's. */
function read(lines: string) {
  const key = (line: string) => line.slice(0, line.indexOf(':'))
  const given = new Map(
    ['project: shop', 'registry: r.db', 'online_store: redis', ...lines.split('\n')].map((line) => [
      key(line),
      line,
    ]),
  )
  return parseFeatureStoreYaml([...given.values()].join('\n'), {}, '/repo')
}

const redis = (options: string) => `online_store: {type: redis, ${options}}`
const sql = (options: string) =>
  `registry: {registry_type: sql, path: 'postgresql://db/f', ${options}}`
const oidc = (options: string) => `auth: {type: oidc, auth_discovery_url: 'https://id/x'${options}}`

test.for([
  ['project: a_2', { project: 'a_2' }],
  ['registry: a/b.db', { registry: { type: 'file', path: '/repo/a/b.db' } }],
  ['registry: {path: b.db}', { registry: { type: 'file', path: '/repo/b.db' } }],
  [sql(''), { registry: { type: 'sql', connection: { host: 'db' }, makesTables: true } }],
  [sql('read_path: "postgresql://r/f"'), { registry: { readConnection: { host: 'r' } } }],
  [sql('schema_mode: verify'), { registry: { makesTables: false } }],
  [sql('purge_feast_metadata: true'), { registry: { keepsMetadata: false } }],
  [
    sql('sqlalchemy_config_kwargs: {echo: true, connect_args: {options: -cx=y}}'),
    { registry: { connection: { options: '-cx=y' } } },
  ],
  ['registry: {path: b.db, cache_ttl_seconds: 5}', { registry: { cacheTtlMs: 5_000 } }],
  [
    'registry: {path: b.db, enable_online_feature_view_versioning: true}',
    { registry: { onlineVersioning: true } },
  ],
  [redis('redis_type: redis_sentinel'), { onlineStore: { redisType: 'redis_sentinel' } }],
  [redis('sentinel_master: m'), { onlineStore: { sentinelMaster: 'm' } }],
  [redis('connection_string: "h:7,db=2"'), { onlineStore: { database: 2 } }],
  [redis('key_ttl_seconds: 9'), { onlineStore: { keyTtlSeconds: 9 } }],
  [redis('skip_dedup: true'), { onlineStore: { skipDedup: true } }],
  ['online_store: {type: lmdb, path: l}', { onlineStore: { type: 'lmdb', path: '/repo/l' } }],
  ['auth: no_auth', { auth: { type: 'no_auth' } }],
  [oidc(''), { auth: { type: 'oidc', discoveryUrl: 'https://id/x', verifySsl: true } }],
  [oidc(', client_id: c'), { auth: { clientId: 'c' } }],
  [oidc(', audience: a'), { auth: { audience: 'a' } }],
  [oidc(', issuer: i'), { auth: { issuer: 'i' } }],
  [oidc(', verify_ssl: false'), { auth: { verifySsl: false } }],
  [oidc(', ca_cert_path: /ca.pem'), { auth: { caCertPath: '/ca.pem' } }],
  [oidc(', jwks_cache_lifespan_seconds: 60'), { auth: { jwksCacheMs: 60_000 } }],
  [oidc(', jwks_request_timeout_seconds: 0.5'), { auth: { timeoutMs: 500 } }],
  [
    'feature_server: {transformation_service_endpoint: "t:6569"}',
    { transformationEndpoint: 't:6569' },
  ],
  ['materialization: {online_write_batch_size: 7}', { onlineWriteBatchSize: 7 }],
] as const)('reads %s', ([lines, config]) => {
  expect(read(lines)).toMatchObject(config)
})

const withoutEffect = (pairs: Record<string, readonly string[]>, wrap: (pair: string) => string) =>
  Object.entries(pairs).flatMap(([key, values]) => values.map((value) => wrap(`${key}: ${value}`)))

test.for([
  'project_description: a shop',
  ...['local', 'gcp', 'aws', 'azure'].map((name) => `provider: ${name}`),
  'entity_key_serialization_version: 3',
  'coerce_tz_aware: false',
  'flags: {x: true}',
  'materialization: {pull_latest_features: true}',
  'materialization: {online_write_batch_size: null}',
  'embedding_model: {provider: sentence_transformers, model: m}',
  'openlineage: {enabled: false, transport_type: http, consumer: {enabled: false}}',
  'mlflow: {enabled: false, tracking_uri: "http://m", auto_log: true}',
  'data_quality_monitoring: {auto_baseline: true}',
  ...withoutEffect(
    {
      registry_store_type: ['LocalRegistryStore'],
      cache_mode: ['sync', 'thread'],
      s3_additional_kwargs: ['{a: b}'],
      mcp: ['{enabled: true}'],
      serve_features_while_materializing: ['true'],
    },
    (pair) => `registry: {path: r.db, ${pair}}`,
  ),
  ...withoutEffect(
    { redis_type: ['redis'], client: ['glide'], full_scan_for_deletion: ['false', 'null'] },
    redis,
  ),
  ...['dask', 'file', 'duckdb', 'postgres', 'bigquery', 'redshift', 'snowflake.offline'].map(
    (type) => `offline_store: ${type}`,
  ),
  ...['spark', 'trino', 'athena', 'mssql', 'clickhouse', 'ray', 'oracle', 'remote', 'hybrid'].map(
    (type) => `offline_store: {type: ${type}, any: option}`,
  ),
  'offline_store: {type: mine.of.TheOfflineStore, any: option}',
  'offline_store: {type: duckdb, staging_location: s}',
  'offline_store: {type: postgres, host: h, port: 5432, database: d, db_schema: public, user: u, ' +
    'password: p, sslmode: require, sslkey_path: k, sslcert_path: c, sslrootcert_path: r, min_conn: 1, ' +
    'max_conn: 10, conn_type: pool, entity_select_mode: embed_query, keepalives_idle: 1}',
  'batch_engine: local',
  'batch_engine: {type: local, backend: polars}',
  ...['snowflake.engine', 'lambda', 'k8s', 'spark.engine', 'ray.engine', 'flink.engine'].map(
    (type) => `batch_engine: {type: ${type}, any: option}`,
  ),
  'batch_engine: spark_application',
  ...withoutEffect(
    {
      type: ['local'],
      enabled: ['true', 'false'],
      metrics: [
        '{enabled: true, resource: false, request: false, online_features: false, push: false}',
        '{materialization: false, freshness: false, offline_features: false, audit_logging: false}',
        '{feature_count_bins: [1, 2]}',
      ],
      feature_logging: [
        '{enabled: true, flush_interval_secs: 1, write_to_disk_interval_secs: 1}',
        '{queue_capacity: 1, emit_timeout_micro_secs: 1}',
      ],
      audit_logging: ['{enabled: false, sink: file, file_path: f, log_successful_reads: true}'],
      offline_push_batching_enabled: ['true'],
      offline_push_batching_batch_size: ['5'],
      offline_push_batching_batch_interval_seconds: ['5'],
    },
    (pair) => `feature_server: {${pair}}`,
  ),
  'something_of_my_own: {any: thing}',
])('takes %s without effect', (lines) => {
  expect(read(lines)).toEqual(read(''))
})

test("takes without effect what a client's tokens are made of", () => {
  const ofClients = `client_secret: s, username: u, password: p, token: t, token_env_var: T,
    ui_client_id: i, token_refresh_margin_seconds: 1`.replaceAll('\n', '')
  expect(read(oidc(`, ${ofClients}`))).toEqual(read(oidc('')))
})

const SQLITE =
  '`online_store: sqlite`, which Feast takes where no type is given, is not served here'

test.for([
  ['project: _shop', 'project'],
  ['provider: chronon', 'only local, gcp, aws and azure are taken'],
  ['entity_key_serialization_version: 2', 'only 3 is read'],
  ['registry: {registry_type: remote, path: "r:6570"}', 'behind gRPC is not read here'],
  ['registry: {registry_type: snowflake.registry}', 'in Snowflake is not read here'],
  ['registry: {registry_type: mine}', 'registry_type file or sql'],
  ['registry: gs://b/r.db', 'only local files'],
  ['registry: {path: r.db, registry_store_type: S3RegistryStore}', 'only local files'],
  ['online_store: sqlite', SQLITE],
  ['online_store: {type: sqlite, path: data/online_store.db}', SQLITE],
  ['online_store: {path: data/online_store.db}', SQLITE],
  ['online_store: {type: sqlite}', 'use `type: redis`, which Feast reads and writes too'],
  ['online_store: null', "no online store of Feast's is named"],
  ['online_store: nope', "no online store of Feast's is named"],
  ['online_store: {type: mine.TheOnlineStore}', 'a class in Python does not run here'],
  ...[
    'dynamodb',
    'datastore',
    'bigtable',
    'snowflake.online',
    'cassandra',
    'scylladb',
    'mysql',
    'postgres',
    'hbase',
    'hazelcast',
    'elasticsearch',
    'singlestore',
    'qdrant',
    'milvus',
    'couchbase.online',
    'mongodb',
    'aerospike',
    'hybrid',
    'remote',
  ].map((type) => [`online_store: {type: ${type}, a: b}`, `\`online_store: ${type}\` is not`]),
  ['offline_store: nope', 'is no type of an offline store of Feast'],
  ['batch_engine: nope', 'is no type of a batch engine of Feast'],
  ['auth: kubernetes', 'tokens of Kubernetes are not read here'],
  ['auth: {type: oidc, token_env_var: T}', 'of a client, who only sends tokens'],
  ['auth: null', 'no_auth or oidc'],
  ['feature_server: {type: mcp, mcp_enabled: true}', 'no tools for MCP here'],
  ['feature_server: {metrics: {audit_logging: true}}', 'no log for audits is written here'],
  ['feature_server: {audit_logging: {enabled: true}}', 'no log for audits is written here'],
  ['openlineage: {enabled: true}', 'no lineage is told'],
  ['mlflow: {enabled: true}', 'nothing is logged to MLflow'],
  ['materialization: {online_write_batch_size: 0}', 'online_write_batch_size'],
] as const)('refuses %s', ([lines, says]) => {
  expect(() => read(lines as string)).toThrow(says)
})

test.for([
  'registry: {path: r.db, wrong: 1}',
  sql('wrong: 1'),
  redis('wrong: 1'),
  'offline_store: {type: dask, wrong: 1}',
  'offline_store: {type: duckdb, wrong: 1}',
  'offline_store: {type: postgres, wrong: 1}',
  'batch_engine: {type: local, wrong: 1}',
  'auth: {type: no_auth, wrong: 1}',
  oidc(', wrong: 1'),
  'feature_server: {wrong: 1}',
  'feature_server: {metrics: {wrong: 1}}',
  'feature_server: {feature_logging: {wrong: 1}}',
  'feature_server: {audit_logging: {wrong: 1}}',
  'materialization: {wrong: 1}',
  'embedding_model: {model: m, wrong: 1}',
  'openlineage: {wrong: 1}',
  'mlflow: {wrong: 1}',
  'data_quality_monitoring: {wrong: 1}',
])('names the unknown key of %s', (lines) => {
  const section = lines.slice(0, lines.indexOf(':'))
  expect(() => read(lines)).toThrow(new RegExp(`Unrecognized key: "wrong"\\s+→ at ${section}`))
})
