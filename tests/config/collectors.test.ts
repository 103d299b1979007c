import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { namesIn, readText, readYaml, root } from './support/files.ts'
import { type CollectorFile, collectorFile, pipelineFaults } from './support/pipelines.ts'

const COLLECTOR = 'config/otel/otel-collector-config.yaml'
const JAEGER = 'config/jaeger/jaeger.yaml'
const SHIPPER = 'docker/standin/log-shipper/otelcol-logs.yaml'

test.for([COLLECTOR, JAEGER, SHIPPER])('%s has pipelines without a gap', (path) => {
  expect(pipelineFaults(collectorFile.parse(readYaml(path)))).toEqual([])
})

function changed(change: (file: CollectorFile) => void): CollectorFile {
  const file = collectorFile.parse(readYaml(COLLECTOR))
  change(file)
  return file
}

test.for<[string, (file: CollectorFile) => void, string]>([
  [
    'a processor that is not there',
    (file) => delete file.processors['redaction'],
    'no processor redaction',
  ],
  [
    'one that nobody uses',
    (file) => {
      file.exporters['debug'] = null
    },
    'exporter debug is not used',
  ],
  [
    'a listener without an address',
    (file) => {
      file.receivers['otlp'] = { protocols: { grpc: null } }
    },
    'receivers.otlp.protocols.grpc listens to localhost',
  ],
  [
    'a listener on localhost',
    (file) => {
      file.extensions['health_check'] = { endpoint: 'localhost:13133' }
    },
    'listens to localhost:13133',
  ],
  [
    'memory limited late',
    (file) => file.service.pipelines['traces/in']?.processors.reverse(),
    'does not limit memory first',
  ],
  [
    'metrics of a sample',
    (file) => file.service.pipelines['traces/in']?.processors.push('tail_sampling'),
    'counts what is left after sampling',
  ],
  [
    'a processor on its way out',
    (file) => {
      file.processors['batch'] = null
    },
    'batch is an old name',
  ],
])('%s is found', ([, change, fault]) => {
  expect(pipelineFaults(changed(change)).join()).toContain(fault)
})

const strategy = z.object({ type: z.literal('probabilistic'), param: z.number().min(0).max(1) })
const samplingFile = z.strictObject({
  default_strategy: strategy.extend({
    operation_strategies: z.array(strategy.extend({ operation: z.string() })),
  }),
  service_strategies: z.array(strategy.extend({ service: z.string() })),
})

test('services send every trace but probes, because the collector chooses later', () => {
  const { default_strategy: fallback, service_strategies: services } = samplingFile.parse(
    JSON.parse(readText('config/jaeger/sampling.json')),
  )
  expect(Object.fromEntries(services.map(({ service, param }) => [service, param]))).toEqual({
    'inference-gateway': 1,
    'feature-server': 1,
    materializer: 1,
    'secrets-broker': 1,
  })
  expect(fallback.param).toBe(1)
  const filter = /IsMatch\(span\.name, "([^"]+)"\)/.exec(readText(COLLECTOR))?.[1] ?? 'nothing'
  for (const { operation, param } of fallback.operation_strategies) {
    expect(param).toBe(0)
    expect(operation).toMatch(new RegExp(filter))
  }
})

test('Jaeger finds its sampling file and a file for each kind of storage', () => {
  const text = readText(JAEGER)
  const named = [...text.matchAll(/\/etc\/jaeger\/([\w./-]+\.json)/g)].map(([, name = '']) => name)
  expect(named).toEqual(['sampling.json'])
  expect(existsSync(join(root, 'config/jaeger/sampling.json'))).toBe(true)
  expect(namesIn('config/jaeger/storage', '.yaml')).toEqual(['badger.yaml', 'memory.yaml'])
  expect(text).toContain(`\${file:/etc/jaeger/storage/\${env:JAEGER_STORAGE:-memory}.yaml}`)
})
