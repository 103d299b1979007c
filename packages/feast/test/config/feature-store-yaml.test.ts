import { expect, test } from 'vitest'
import { parseFeatureStoreYaml } from '../../src/config/feature-store-yaml.ts'

const read = (text: string, env: NodeJS.ProcessEnv = {}) =>
  parseFeatureStoreYaml(text, env, '/repo')

test('reads the short form with the defaults of Feast', () => {
  expect(read('project: shop\nregistry: data/registry.db\nonline_store: redis\n')).toEqual({
    project: 'shop',
    registry: {
      type: 'file',
      path: '/repo/data/registry.db',
      cacheTtlMs: 600_000,
      onlineVersioning: false,
    },
    onlineStore: {
      type: 'redis',
      redisType: 'redis',
      nodes: [{ host: 'localhost', port: 6379 }],
      sentinelMaster: 'mymaster',
      username: undefined,
      password: undefined,
      database: 0,
      tls: false,
      keyTtlSeconds: undefined,
      skipDedup: false,
    },
    auth: { type: 'no_auth' },
    transformationEndpoint: undefined,
    onlineWriteBatchSize: undefined,
  })
})

test('reads every section, with variables of the environment', () => {
  const text = `
project: shop
provider: local
registry:
  registry_type: sql
  path: postgresql+psycopg://feast:\${PASSWORD}@db:5432/feast
  cache_ttl_seconds: 0
  enable_online_feature_view_versioning: true
  read_path: postgresql://replica/feast
  purge_feast_metadata: true
  schema_mode: skip
  sqlalchemy_config_kwargs: {echo: false, connect_args: {options: -csearch_path=f}}
online_store:
  type: redis
  redis_type: redis_cluster
  connection_string: "a:7000,b:7001,ssl=true,username=u,password=$PASSWORD=,socket_timeout=3"
  key_ttl_seconds: 60
  skip_dedup: true
offline_store: {type: file}
auth: {type: oidc, auth_discovery_url: "https://id/x", client_id: c, ca_cert_path: ""}
feature_server: {type: local, transformation_service_endpoint: "host:6569"}
materialization: {online_write_batch_size: 100}
entity_key_serialization_version: 3
flags: {x: true}
`
  expect(read(text, { PASSWORD: 'p:4' })).toMatchObject({
    registry: {
      type: 'sql',
      connection: {
        host: 'db',
        port: 5432,
        user: 'feast',
        password: 'p:4',
        database: 'feast',
        options: '-csearch_path=f',
      },
      readConnection: { host: 'replica', port: undefined, user: undefined },
      makesTables: false,
      keepsMetadata: false,
      cacheTtlMs: 0,
      onlineVersioning: true,
    },
    onlineStore: {
      redisType: 'redis_cluster',
      nodes: [
        { host: 'a', port: 7000 },
        { host: 'b', port: 7001 },
      ],
      username: 'u',
      password: 'p:4=',
      tls: true,
      keyTtlSeconds: 60,
      skipDedup: true,
    },
    auth: {
      type: 'oidc',
      discoveryUrl: 'https://id/x',
      clientId: 'c',
      caCertPath: undefined,
      jwksCacheMs: 300_000,
      timeoutMs: 10_000,
    },
    transformationEndpoint: 'host:6569',
    onlineWriteBatchSize: 100,
  })
})

test('takes no inherited name for a variable', () => {
  const { registry } = read(
    'project: shop\nregistry: $toString/${constructor}.db\nonline_store: {type: redis}\n',
  )
  expect(registry).toMatchObject({ path: expect.stringContaining('$toString/${constructor}.db') })
})

const START = 'project: shop\nregistry: r.db\n'

test.for([
  { text: 'registry: r.db\nonline_store: redis', says: 'project' },
  { text: 'project: _shop\nregistry: r.db\nonline_store: redis', says: 'project' },
  { text: 'project: shop\nonline_store: redis', says: 'registry' },
  { text: START, says: 'online_store' },
  { text: `${START}online_store: {type: redis, conection: x}`, says: 'conection' },
  {
    text: `${START}online_store: {type: redis, connection_string: 'a:1,ssl_cert_reqs=none'}`,
    says: "'ssl_cert_reqs' is not supported",
  },
  {
    text: `${START}online_store: {type: redis, connection_string: 'a:1,password=x,y:z'}`,
    says: 'neither host:port nor an option',
  },
  { text: 'project: [', says: 'is no YAML' },
])('names what is wrong: $says', ({ text, says }) => {
  expect(() => read(text)).toThrow(says)
})
