import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { serviceEnvironmentFindings } from './service-environment.ts'

const files = checkout()

test('our services are given no variable that they do not read', () => {
  expect(serviceEnvironmentFindings(files)).toEqual([])
})

const BASE = 'docker-compose.yml'

test.for<Fault>([
  {
    in: BASE,
    from: 'FEATURE_SERVER_URL:',
    to: 'FEATURE_SERVER_ADDRESS:',
    says: 'inference-gateway is given FEATURE_SERVER_ADDRESS, which it does not read',
  },
  {
    in: BASE,
    from: 'REDIS_SECRET: trading/redis\n      FEAST_TTL',
    to: 'REDIS_PATH: trading/redis\n      FEAST_TTL',
    says: 'feast-server is given REDIS_PATH, which it does not read',
  },
  {
    in: BASE,
    from: 'CLOCK_SPEED: ${CLOCK_SPEED:-}',
    to: 'CLOCK_RATE: ${CLOCK_SPEED:-}',
    says: 'materializer is given CLOCK_RATE, which it does not read',
  },
  {
    in: BASE,
    from: 'OTEL_SERVICE_NAME: materializer',
    to: 'OTEL_SERVICE: materializer',
    says: 'materializer is given OTEL_SERVICE, which it does not read',
  },
  {
    in: BASE,
    from: 'NODE_OPTIONS: --max-old-space-size=192',
    to: 'LOG_LEVEL: info',
    says: 'demo-feed is given LOG_LEVEL, which it does not read',
  },
  {
    in: 'docker/Dockerfile',
    from: 'HOST=0.0.0.0',
    to: 'LISTEN=0.0.0.0',
    says: 'inference-gateway is given LISTEN, which it does not read',
  },
  {
    in: 'services/feature-server/src/config.ts',
    from: '  FEAST_PARITY: ',
    to: '  FEAST_STRICT: ',
    says: 'feast-server is given FEAST_PARITY, which it does not read',
  },
  {
    in: 'services/inference-gateway/src/config.ts',
    from: '  FEATURE_SERVER_KEY_SECRET: ',
    to: '  FEATURE_SERVER_SECRET: ',
    says: 'inference-gateway is given FEATURE_SERVER_KEY_SECRET, which it does not read',
  },
  {
    in: 'packages/vault/src/vault-config.ts',
    from: '  SECRETS_BROKER_CA_FILE: ',
    to: '  BROKER_CA_FILE: ',
    says: 'materializer is given SECRETS_BROKER_CA_FILE, which it does not read',
  },
  {
    in: 'packages/tracing/src/settings.ts',
    from: "env['TRACING_ENABLED']",
    to: "env['TRACING']",
    says: 'feast-server is given TRACING_ENABLED, which it does not read',
  },
])('finds that $says', (fault) => {
  expect(serviceEnvironmentFindings(broken(files, fault))).toContain(fault.says)
})
