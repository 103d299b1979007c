import { expect, test } from 'vitest'
import { broken, type Fault, withFile } from './broken.ts'
import { collectorFindings } from './collectors.ts'
import { checkout } from './files.ts'

const files = checkout()

test('no collector loses a part to a second file, and the stand-ins have every part', () => {
  expect(collectorFindings(files)).toEqual([])
})

const COLLECTOR = 'config/otel/otel-collector-config.yaml'

test.for<Fault>([
  {
    in: 'docker/standin/otelcol/collector.yaml',
    from: 'processor/redactionprocessor v',
    to: 'processor/groupbytraceprocessor v',
    says: `docker/standin/otelcol/collector.yaml has no redactionprocessor, which ${COLLECTOR} uses`,
  },
  {
    in: COLLECTOR,
    from: '  otlp_grpc/jaeger:\n    endpoint',
    to: '  zipkin/jaeger:\n    endpoint',
    says: `docker/standin/otelcol/collector.yaml has no zipkinexporter, which ${COLLECTOR} uses`,
  },
  {
    in: 'docker/standin/otelcol/logs.yaml',
    from: 'receiver/filelogreceiver v',
    to: 'receiver/journaldreceiver v',
    says: 'docker/standin/otelcol/logs.yaml has no filelogreceiver, which docker/standin/log-shipper/otelcol-logs.yaml uses',
  },
  {
    in: 'docker/standin/versions.env',
    from: 'COLLECTOR=0.155.0',
    to: 'COLLECTOR=0.156.0',
    says: 'docker/standin/otelcol/collector.yaml builds 0.155.0, and versions.env says 0.156.0',
  },
])('finds that $says', (fault) => {
  expect(collectorFindings(broken(files, fault))).toContain(fault.says)
})

test('finds what a second file takes from a pipeline of the first', () => {
  const overlay = 'config/otel/overlay.yaml'
  const layered = (exporters: string) =>
    broken(
      withFile(
        files,
        overlay,
        `service: { pipelines: { traces/in: { exporters: ${exporters} } } }\n`,
      ),
      {
        in: 'docker-compose.infrastructure.yml',
        from: '--config=/etc/otelcol/otel-collector-config.yaml',
        to: '--config=/etc/otelcol/otel-collector-config.yaml, --config=/etc/otelcol/overlay.yaml',
      },
    )
  expect(collectorFindings(layered('[forward]'))).toEqual([
    `otel-collector: traces/in of ${COLLECTOR} loses span_metrics to a later file`,
  ])
  expect(collectorFindings(layered('[span_metrics, forward]'))).toEqual([])
})
