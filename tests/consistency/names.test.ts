import { expect, test } from 'vitest'
import { broken, type Fault } from './broken.ts'
import { checkout } from './files.ts'
import { nameFindings } from './names.ts'

const files = checkout()

test('a service has one name in traces, metrics, logs and images', () => {
  expect(nameFindings(files)).toEqual([])
})

const BASE = 'docker-compose.yml'

test.for<Fault>([
  {
    in: BASE,
    from: 'OTEL_SERVICE_NAME: feature-server',
    to: 'OTEL_SERVICE_NAME: feast-server',
    says: 'feast-server is called feast-server by OTEL_SERVICE_NAME, and feature-server elsewhere',
  },
  {
    in: BASE,
    from: 'SERVICE: inference-gateway',
    to: 'SERVICE: gateway',
    says: 'inference-gateway is called gateway by the recipe, and inference-gateway elsewhere',
  },
  {
    in: BASE,
    from: 'usdcop/inference-gateway:',
    to: 'usdcop/gateway:',
    says: 'inference-gateway is called gateway by the image, and inference-gateway elsewhere',
  },
  {
    in: BASE,
    from: '{ aliases: [feature-server] }',
    to: '{}',
    says: 'feast-server is called feast-server by the network, and feature-server elsewhere',
  },
  {
    in: 'services/materializer/src/main.ts',
    from: "createLogger({ name: 'materializer'",
    to: "createLogger({ name: 'features'",
    says: 'materializer is called features by the logger, and materializer elsewhere',
  },
  {
    in: 'services/materializer/src/main.ts',
    from: "createRegistry('materializer')",
    to: "createRegistry('features')",
    says: 'materializer is called features by the metrics registry, and materializer elsewhere',
  },
  {
    in: 'config/jaeger/sampling.json',
    from: '"service": "inference-gateway"',
    to: '"service": "inference-api"',
    says: 'config/jaeger/sampling.json lacks inference-gateway',
  },
  {
    in: 'config/jaeger/sampling.json',
    from: '"service": "inference-gateway"',
    to: '"service": "inference-api"',
    says: 'config/jaeger/sampling.json has inference-api, which is no server of ours',
  },
  {
    in: 'config/alloy/config.alloy',
    from: '`attrs."com.docker.compose.service"`',
    to: '`attrs."com.docker.compose.project"`',
    says: 'config/alloy/config.alloy does not name a stream for the compose service',
  },
  {
    in: 'docker/standin/log-shipper/otelcol-logs.yaml',
    from: 'to: resource.service\n',
    to: 'to: resource.service_name\n',
    says: 'docker/standin/log-shipper/otelcol-logs.yaml does not name a stream for the compose service',
  },
  {
    in: 'config/prometheus/rules/platform.yml',
    from: 'absent(up{job="feature-server"})',
    to: 'absent(up{job="feast-server"})',
    says: 'config/prometheus/rules/platform.yml asks for job="feast-server", and nobody is called so',
  },
])('finds that $says', (fault) => {
  expect(nameFindings(broken(files, fault))).toContain(fault.says)
})
