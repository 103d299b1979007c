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
    from: 'TLS_KEY_FILE: /run/secrets/secrets-broker.key',
    to: 'TLS_KEY_FILE: /run/secret/secrets-broker.key',
    says: 'TLS_KEY_FILE of secrets-broker does not name a secret',
  },
  {
    in: LOGGING,
    from: 'secrets: [slack_webhook_url]',
    to: 'secrets: [pager_key]',
    says: 'docker-compose.logging.yml does not have the secret pager_key, which a service mounts',
  },
  {
    in: BASE,
    from: 'secrets: [ca.crt, demo-feed.crt, demo-feed.key]',
    to: 'secrets: [ca.crt, demo-feed.crt]',
    says: 'docker-compose.yml has the secret demo-feed.key, which none of its services mounts',
  },
  {
    in: BASE,
    from: 'services/demo-feed,',
    to: '/run/secrets/writer_key,',
    says: 'the command of demo-feed reads the secret writer_key, which demo-feed does not mount',
  },
  {
    in: BASE,
    from: 'secrets: [ca.crt, demo-feed.crt, demo-feed.key]',
    to: 'secrets: [ca.crt]',
    says: 'prepare.sh makes tls/demo-feed.crt, and nothing mounts it',
  },
  {
    in: BASE,
    from: 'secrets: [ca.crt, inference-gateway.crt, inference-gateway.key]',
    to: 'secrets: [ca.crt, inference-gateway.crt]',
    says: 'SECRETS_BROKER_KEY_FILE of inference-gateway reads the secret inference-gateway.key, which inference-gateway does not mount',
  },
  {
    in: BASE,
    from: 'secrets: [ca.crt, inference-gateway.crt, inference-gateway.key]',
    to: 'secrets: [ca.crt, inference-gateway.crt, inference-gateway.key, materializer.key]',
    says: 'inference-gateway mounts the secret materializer.key and does not use it',
  },
  {
    in: BASE,
    from: 'secrets: [ca.crt, inference-gateway.crt, inference-gateway.key]',
    to: 'secrets: [ca.crt, inference-gateway.crt, inference-gateway.key, reader_key]',
    says: 'reader_key is excepted, and needs no exception',
  },
  {
    in: INFRASTRUCTURE,
    from: 'secrets: [metrics_key, ca.crt]',
    to: 'secrets: [ca.crt]',
    says: 'config/prometheus/prometheus.yml reads the secret metrics_key, which prometheus does not mount',
  },
  {
    in: 'config/prometheus/prometheus.yml',
    from: '/run/secrets/metrics_key',
    to: '/run/secrets/reader_key',
    says: 'prometheus mounts the secret metrics_key and does not use it',
  },
  {
    in: BASE,
    from: 'cp /run/secrets/redis_users',
    to: 'cp /etc/redis/users.acl',
    says: 'redis mounts the secret redis_users and does not use it',
  },
])('finds that $says', (fault) => {
  expect(secretFindings(broken(files, fault), made)).toContain(fault.says)
})
