import { createRegistry as createFeatureRegistry } from '@usdcop/feast/registry/registry'
import { createFeatureServerMetrics } from '@usdcop/feature-server/metrics'
import { createGatewayMetrics } from '@usdcop/inference-gateway/metrics'
import { createMaterializerMetrics } from '@usdcop/materializer/metrics'
import { createCertificateEnds } from '@usdcop/secrets-broker/certificate-ends'
import { createBrokerMetrics } from '@usdcop/secrets-broker/metrics'
import { wallClock } from '@usdcop/service/clock'
import { addProcessMetrics, createRegistry, createRequestHistogram } from '@usdcop/service/metrics'
import { createVaultMetrics } from '@usdcop/vault/metrics'

/** Of other programs; that the collector gives its own is asked of it in collector.service.test.ts. */
export const SPAN_METRICS = [
  'traces_span_metrics_calls_total',
  'traces_span_metrics_duration_seconds_bucket',
  'traces_span_metrics_duration_seconds_count',
  'traces_span_metrics_duration_seconds_sum',
] as const
/** Made by Prometheus itself. */
const PROMETHEUS_OWN = ['up', 'ALERTS'] as const

const NO_FEATURES = createFeatureRegistry({
  project: 'any',
  entities: [],
  views: [],
  services: [],
  pushSources: [],
})

/** Every time series name that a query may ask for: the services' own registries, read, and few others. */
export async function metricNames(): Promise<ReadonlySet<string>> {
  const registry = createRegistry('any')
  createRequestHistogram(registry)
  createFeatureServerMetrics(registry, { current: NO_FEATURES }, wallClock)
  createGatewayMetrics(registry)
  createMaterializerMetrics(registry)
  const vault = createVaultMetrics(registry, 'usdcop_secrets')
  const broker = createBrokerMetrics(registry)
  for (const one of [vault, broker]) {
    one.watchTokens(() => new Map())
    one.watchLeases(() => new Map())
  }
  broker.watchSecretId(() => 0)
  createCertificateEnds(registry)
  addProcessMetrics(registry)
  const metrics = await registry.getMetricsAsJSON()
  const ours = metrics.flatMap(({ name, type }) =>
    // prom-client gives the kind as a word here and as a number in its types.
    String(type) === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  )
  return new Set([...ours, ...SPAN_METRICS, ...PROMETHEUS_OWN])
}
