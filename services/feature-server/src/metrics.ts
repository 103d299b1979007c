import { LATENCY_BUCKETS_SECONDS } from '@usdcop/service/metrics'
import { Counter, Histogram, type Registry } from 'prom-client'

/** Every metric of this service: Feast's own names, so that dashboards for Feast work, and ours. */
export interface FeatureServerMetrics {
  readonly requests: Counter<'endpoint' | 'status'>
  readonly latency: Histogram<'endpoint' | 'feature_count' | 'feature_view_count'>
  readonly onlineRequests: Counter
  readonly entityCount: Histogram
  readonly statuses: Counter<'feature_view' | 'status'>
  readonly pushes: Counter<'push_source' | 'mode'>
  readonly storeRead: Histogram
  readonly olderRows: Counter<'feature_view'>
}

export function createFeatureServerMetrics(registry: Registry): FeatureServerMetrics {
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'feast_feature_server_request_total',
      help: 'Requests by endpoint and outcome (success or error).',
      labelNames: ['endpoint', 'status'],
      registers,
    }),
    latency: new Histogram({
      name: 'feast_feature_server_request_latency_seconds',
      help: 'Time to answer, by endpoint and binned size of the request.',
      labelNames: ['endpoint', 'feature_count', 'feature_view_count'],
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }),
    onlineRequests: new Counter({
      name: 'feast_online_features_request_total',
      help: 'Online feature requests that were read from the store.',
      registers,
    }),
    entityCount: new Histogram({
      name: 'feast_online_features_entity_count',
      help: 'Entity rows a request.',
      buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1_000],
      registers,
    }),
    statuses: new Counter({
      name: 'feast_online_features_status_total',
      help: 'Served values by feature view and status.',
      labelNames: ['feature_view', 'status'],
      registers,
    }),
    pushes: new Counter({
      name: 'feast_push_request_total',
      help: 'Accepted pushes by push source and mode.',
      labelNames: ['push_source', 'mode'],
      registers,
    }),
    storeRead: new Histogram({
      name: 'feast_feature_server_online_store_read_duration_seconds',
      help: 'Time the online store took for one request.',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }),
    olderRows: new Counter({
      name: 'usdcop_feature_server_older_rows_total',
      help: 'Pushed rows that lost to a row with the same or a newer event time.',
      labelNames: ['feature_view'],
      registers,
    }),
  }
}

const FEATURE_BINS = [10, 25, 50, 100, 250]

/** A label from a closed set: the raw count would make one time series a request shape. */
export function featureBin(count: number): string {
  let lower = 1
  for (const upper of FEATURE_BINS) {
    if (count <= upper) return `${lower}-${upper}`
    lower = upper + 1
  }
  return `${lower}+`
}

/** Views a request may span before the label stops telling them apart. */
export function viewBin(count: number): string {
  return count < 10 ? String(count) : '10+'
}
