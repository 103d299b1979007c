import { beforeAll, expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { prepare } from './prepared.ts'
import { secretFindings } from './secrets.ts'

const files = checkout()
let made: readonly string[]

beforeAll(async () => {
  await using prepared = await prepare(files, 'dev', 'images.env', AbortSignal.timeout(30_000))
  made = prepared.secrets
})

test('every secret is made, mounted where it is used and used where it is mounted', () => {
  expect(secretFindings(files, made)).toEqual([])
})

const BASE = 'docker-compose.yml'
const INFRASTRUCTURE = 'docker-compose.infrastructure.yml'
const LOGGING = 'docker-compose.logging.yml'
const WEBHOOK = 'slack_webhook_url: { file: ./secrets/slack_webhook_url }'

test.for<Fault>([
  {
    in: LOGGING,
    from: WEBHOOK,
    to: 'slack_webhook_url: { file: ./secrets/slack }',
    says: 'docker-compose.logging.yml takes the secret slack_webhook_url from ./secrets/slack',
  },
  {
    in: LOGGING,
    from: WEBHOOK,
    to: `${WEBHOOK}\n  pager_key: { file: ./secrets/pager_key }`,
    says: 'docker-compose.logging.yml has the secret pager_key, which prepare.sh does not make',
  },
  {
    in: 'docs/stack.md',
    from: '`slack_webhook_url`',
    to: '`webhook`',
    says: 'docs/stack.md does not say what slack_webhook_url is for',
  },
  {
    in: BASE,
    from: 'DATABASE_URL_FILE: /run/secrets/database_url',
    to: 'DATABASE_URL_FILE: /run/secret/database_url',
    says: 'DATABASE_URL_FILE of materializer does not name a secret',
  },
  {
    in: LOGGING,
    from: 'secrets: [slack_webhook_url]',
    to: 'secrets: [pager_key]',
    says: 'docker-compose.logging.yml does not have the secret pager_key, which a service mounts',
  },
  {
    in: BASE,
    from: 'secrets: [writer_key]',
    to: 'secrets: []',
    says: 'docker-compose.yml has the secret writer_key, which none of its services mounts',
  },
  {
    in: BASE,
    from: 'secrets: [writer_key]',
    to: 'secrets: []',
    says: 'the command of demo-feed reads the secret writer_key, which demo-feed does not mount',
  },
  {
    in: BASE,
    from: 'secrets: [writer_key]',
    to: 'secrets: [gateway_key]',
    says: 'prepare.sh makes writer_key, and nothing mounts it',
  },
  {
    in: BASE,
    from: 'secrets: [api_keys, database_url, gateway_key]',
    to: 'secrets: [api_keys, gateway_key]',
    says: 'DATABASE_URL_FILE of inference-gateway reads the secret database_url, which inference-gateway does not mount',
  },
  {
    in: BASE,
    from: 'secrets: [api_keys, database_url, gateway_key]',
    to: 'secrets: [api_keys, database_url, gateway_key, redis_url]',
    says: 'inference-gateway mounts the secret redis_url and does not use it',
  },
  {
    in: BASE,
    from: 'secrets: [api_keys, database_url, gateway_key]',
    to: 'secrets: [api_keys, database_url, gateway_key, reader_key]',
    says: 'reader_key is excepted, and needs no exception',
  },
  {
    in: INFRASTRUCTURE,
    from: 'secrets: [metrics_key]',
    to: 'secrets: []',
    says: 'config/prometheus/prometheus.yml reads the secret metrics_key, which prometheus does not mount',
  },
  {
    in: 'config/prometheus/prometheus.yml',
    from: '/run/secrets/metrics_key',
    to: '/run/secrets/reader_key',
    says: 'prometheus mounts the secret metrics_key and does not use it',
  },
  {
    in: 'config/redis/redis.conf',
    from: '/run/secrets/redis_users.acl',
    to: '/etc/redis/users.acl',
    says: 'redis mounts the secret redis_users.acl and does not use it',
  },
])('finds that $says', (fault) => {
  expect(secretFindings(broken(files, fault), made)).toContain(fault.says)
})
