import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { healthCheckFindings } from './health-checks.ts'

const files = checkout()

test('every health check can run in its image, and whoever is waited for has one', () => {
  expect(healthCheckFindings(files)).toEqual([])
})

const BASE = 'docker-compose.yml'
const INFRASTRUCTURE = 'docker-compose.infrastructure.yml'
const LOGGING = 'docker-compose.logging.yml'

test.for<Fault>([
  {
    in: LOGGING,
    from: '[CMD, /usr/bin/loki, -health]',
    to: '[CMD, wget, -q, "http://127.0.0.1:3100/ready"]',
    says: 'loki: grafana/loki has no wget for the health check',
  },
  {
    in: LOGGING,
    from: '[CMD, /usr/bin/loki, -health]',
    to: '[CMD-SHELL, "/usr/bin/loki -health"]',
    says: 'loki: grafana/loki has no sh for the health check',
  },
  {
    in: LOGGING,
    from: '[CMD, bash, -c, "exec 3<>/dev/tcp/127.0.0.1/12345"]',
    to: '[CMD, curl, -f, "http://127.0.0.1:12345/-/ready"]',
    says: 'alloy: grafana/alloy has no curl for the health check',
  },
  {
    in: BASE,
    from: '| grep -q PONG',
    to: '| jq -e .',
    says: 'redis: redis has no jq for the health check',
  },
  {
    in: BASE,
    from: 'REDISCLI_AUTH=none redis-cli',
    to: 'REDISCLI_AUTH=$$(base64 -d /key) redis-cli',
    says: 'redis: redis has no base64 for the health check',
  },
  {
    in: 'docker-compose.mlops.yml',
    from: '          python,\n',
    to: '          curl,\n',
    says: 'mlflow: mlflow/mlflow has no curl for the health check',
  },
  {
    in: INFRASTRUCTURE,
    from: '    command: [--config=/etc/otelcol/otel-collector-config.yaml]\n',
    to: '    healthcheck: {test: [CMD, wget, "http://127.0.0.1:13133"]}\n',
    says: 'otel-collector has a health check: its image has no program that could ask; Prometheus scrapes it',
  },
  {
    in: LOGGING,
    from: '      test: [CMD, wget, -q, -O, /dev/null, "http://127.0.0.1:9093/-/ready"]',
    to: '      test: [CMD, nc, -z, 127.0.0.1, "9093"]',
    says: 'alertmanager: prom/alertmanager has no nc for the health check',
  },
  {
    in: BASE,
    from: '    healthcheck: *healthcheck\n',
    to: '',
    says: 'materializer has no health check',
  },
  {
    in: BASE,
    from: '    healthcheck: *healthcheck\n',
    to: '',
    says: 'inference-gateway waits for the health of materializer, which has no health check',
  },
  {
    in: INFRASTRUCTURE,
    from: '      prometheus: { condition: service_healthy }',
    to: '      otel-collector: { condition: service_healthy }',
    says: 'grafana waits for the health of otel-collector, which has no health check',
  },
  {
    in: LOGGING,
    from: 'loki: { condition: service_healthy }',
    to: 'lokki: { condition: service_healthy }',
    says: 'alloy waits for lokki, which is no compose service',
  },
  {
    in: BASE,
    from: 'vault: { condition: service_started }',
    to: 'vault: { condition: service_completed_successfully }',
    says: 'vault-init waits for vault to be service_completed_successfully, and nothing here ends well',
  },
  {
    in: 'images.env',
    from: 'ALLOY_IMAGE=grafana/alloy:',
    to: 'ALLOY_IMAGE=grafana/promtail:',
    says: 'alloy: nobody has said what grafana/promtail can run',
  },
  {
    in: 'docker/Dockerfile',
    from: 'COPY docker/ready.mjs /app/docker/ready.mjs',
    to: 'COPY docker/ready.mjs /app/ready.mjs',
    says: 'materializer has no /app/docker/ready.mjs for its health check',
  },
  {
    in: '.dockerignore',
    from: '!docker/ready.mjs\n',
    to: '',
    says: 'inference-gateway has no /app/docker/ready.mjs for its health check',
  },
])('finds that $says', (fault) => {
  expect(healthCheckFindings(broken(files, fault))).toContain(fault.says)
})
