import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { context, propagation, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import {
  defaultResource,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceNameEnvDetector,
} from '@opentelemetry/resources'
import { NodeSDK } from '@opentelemetry/sdk-node'
import {
  ATTR_DEPLOYMENT_ENVIRONMENT_NAME,
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_NAMESPACE,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions'
import type { Settings } from './settings.ts'
import { setRunningTracing } from './state.ts'
import { tellingExporter } from './telling-exporter.ts'

const NAMESPACE = 'usdcop'

/**
 * Starts OpenTelemetry for this process: spans in batches to the collector, contexts in an
 * AsyncLocalStorage, W3C headers, a parent's sampling decision followed. Which sampler, which limits
 * and which propagators the standard variables say. Only `register.ts` and tests call this: it loads
 * the SDK, which takes half a second and 40 MB.
 */
export function startTracing({ endpoint, serviceName, environment }: Settings): void {
  const exporter = tellingExporter(
    new OTLPTraceExporter({ url: endpoint }),
    endpoint,
    performance.now.bind(performance),
  )
  const sdk = new NodeSDK({
    traceExporter: exporter,
    resource: defaultResource().merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: serviceName,
        [ATTR_SERVICE_NAMESPACE]: NAMESPACE,
        [ATTR_SERVICE_VERSION]: version(),
        [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
        [ATTR_DEPLOYMENT_ENVIRONMENT_NAME]: environment,
      }),
    ),
    // Not the process and the host: a command line and an owner are nobody's business.
    resourceDetectors: [resourceAttributesEnvDetector, serviceNameEnvDetector],
    // prom-client owns the metrics and pino the logs; left out, the SDK would send its own.
    metricReaders: [],
    logRecordProcessors: [],
  })
  sdk.start()
  setRunningTracing({
    tellTo: (teller) => exporter.tellTo(teller),
    async shutdown() {
      setRunningTracing(undefined)
      // Before the wait: whoever gives up on it finds tracing off all the same.
      trace.disable()
      context.disable()
      propagation.disable()
      await sdk.shutdown()
    },
  })
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}
