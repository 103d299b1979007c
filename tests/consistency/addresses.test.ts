import { expect, test } from 'vitest'
import { addressFindings } from './addresses.ts'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'

const files = checkout()

test('whoever is asked for something is there, listens on that port, and can be reached', () => {
  expect(addressFindings(files)).toEqual([])
})

const SOURCES = 'config/grafana/provisioning/datasources/datasources.yml'
const COLLECTOR = 'config/otel/otel-collector-config.yaml'
const PROMETHEUS = 'config/prometheus/prometheus.yml'
const INFRASTRUCTURE = 'docker-compose.infrastructure.yml'

test.for<Fault>([
  {
    in: SOURCES,
    from: 'url: http://loki:3100',
    to: 'url: http://loki:3200',
    says: `${SOURCES} asks loki:3200, and loki listens on 3100, 9096`,
  },
  {
    in: SOURCES,
    from: 'url: http://jaeger:16686',
    to: 'url: http://jaeger-query:16686',
    says: `${SOURCES} asks jaeger-query, which is no compose service`,
  },
  {
    in: INFRASTRUCTURE,
    from: 'networks: [default, data]\n    mem_limit: 512m',
    to: 'mem_limit: 512m',
    says: `${SOURCES} asks timescaledb, and grafana shares no network with it`,
  },
  {
    in: COLLECTOR,
    from: 'endpoint: jaeger:4317',
    to: 'endpoint: jaeger:14250',
    says: `${COLLECTOR} asks jaeger:14250, and jaeger listens on 16686, 16685, 5778, 5779, 13133, 4317, 4318, 14268, 8888`,
  },
  {
    in: 'config/jaeger/jaeger.yaml',
    from: 'endpoint: 0.0.0.0:4317',
    to: 'endpoint: 0.0.0.0:4319',
    says: `${COLLECTOR} asks jaeger:4317, and jaeger listens on 16686, 16685, 5778, 5779, 13133, 4319, 4318, 14268, 8888`,
  },
  {
    in: 'config/jaeger/jaeger.yaml',
    from: 'endpoint: 0.0.0.0:13133',
    to: 'endpoint: 0.0.0.0:13134',
    says: 'the health check of jaeger asks 127.0.0.1:13133, and jaeger listens on 16686, 16685, 5778, 5779, 13134, 4317, 4318, 14268, 8888',
  },
  {
    in: PROMETHEUS,
    from: 'names: [alertmanager]',
    to: 'names: [alert-manager]',
    says: `${PROMETHEUS} asks alert-manager, which is no compose service`,
  },
  {
    in: PROMETHEUS,
    from: 'names: [feature-server], type: A, port: 6566',
    to: 'names: [feature-server], type: A, port: 6567',
    says: `${PROMETHEUS} asks feature-server:6567, and feast-server listens on 6566`,
  },
  {
    in: '.env.infrastructure',
    from: 'FEAST_SERVER_URL=http://feast-server:6566',
    to: 'FEAST_SERVER_URL=http://feast:6566',
    says: 'FEATURE_SERVER_URL of inference-gateway asks feast, which is no compose service',
  },
  {
    in: '.env.infrastructure',
    from: 'http://otel-collector:4317',
    to: 'http://otel-collector:4319',
    says: 'OTEL_EXPORTER_OTLP_ENDPOINT of materializer asks otel-collector:4319, and otel-collector listens on 4317, 4318, 8889, 13133, 8888',
  },
  {
    in: 'config/profiles/production.env',
    from: 'VAULT_ADDR=https://vault:8200',
    to: 'VAULT_ADDR=https://vault:8201',
    says: 'VAULT_ADDR of vault-init asks vault:8201, and vault listens on 8200',
  },
  {
    in: 'scripts/stack/prepare.sh',
    from: '@mlflow-db:5432/mlflow',
    to: '@postgres:5432/mlflow',
    says: 'the secret mlflow_database_url of mlflow asks postgres, which is no compose service',
  },
  {
    in: 'config/alloy/config.alloy',
    from: 'http://loki:3100',
    to: 'http://loki:9095',
    says: 'config/alloy/config.alloy asks loki:9095, and loki listens on 3100, 9096',
  },
  {
    in: 'docker/standin/log-shipper/otelcol-logs.yaml',
    from: 'http://loki:3100/otlp',
    to: 'http://lokki:3100/otlp',
    says: 'docker/standin/log-shipper/otelcol-logs.yaml asks lokki, which is no compose service',
  },
  {
    in: 'config/loki/loki.yml',
    from: 'http://alertmanager:9093',
    to: 'http://alertmanager:9094',
    says: 'config/loki/loki.yml asks alertmanager:9094, and alertmanager listens on 9093',
  },
  {
    in: 'docker-compose.yml',
    from: '"http://materializer:6567"',
    to: '"http://materializer:8090"',
    says: 'the command of demo-feed asks materializer:8090, and materializer listens on 6567',
  },
])('finds that $says', (fault) => {
  expect(addressFindings(broken(files, fault))).toContain(fault.says)
})
