import { totalmem } from 'node:os'
import type { RegistrySource } from '@usdcop/feast/registry/definitions'
import { type StatusCounts, statusesOf } from '@usdcop/feast/serving/reply'
import type { DomainClock } from '@usdcop/service/clock'
import { LATENCY_BUCKETS_SECONDS } from '@usdcop/service/metrics'
import {
  type Count,
  createCounter,
  createHistogram,
  type Distribution,
  type Tally,
} from '@usdcop/service/tallies'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Every metric of this service: Feast's own names, so that dashboards for Feast work, and ours. */
export interface FeatureServerMetrics {
  /** By endpoint and outcome. */
  readonly requests: Tally<Count>
  /** By endpoint, binned features and binned views. */
  readonly latency: Tally<Distribution>
  readonly onlineRequests: Count
  readonly entityCount: Distribution
  /** Counts served values of a view, by the places of their statuses in `STATUSES`. */
  served(view: string, counts: StatusCounts): void
  readonly pushes: Counter<'push_source' | 'mode'>
  readonly storeRead: Distribution
  readonly olderRows: Counter<'feature_view'>
  readonly materializations: Counter<'feature_view' | 'status'>
  readonly materializationSeconds: Histogram<'feature_view'>
  /** Tells the newest event time that was written, or read, of a view; epoch milliseconds. */
  seen(view: string, eventTimestamp: number): void
}

const MATERIALIZATION_BUCKETS_SECONDS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600]

/**
 * @param source whose views and project label what is measured
 * @param clock what an event's age is measured against
 */
export function createFeatureServerMetrics(
  registry: Registry,
  source: RegistrySource,
  clock: DomainClock,
): FeatureServerMetrics {
  const registers = [registry]
  addResourceMetrics(registers)
  return {
    seen: addFreshness(registers, source, clock),
    materializations: new Counter({
      name: 'feast_materialization_result_total',
      help: 'Materializations of a feature view by outcome (success or failure).',
      labelNames: ['feature_view', 'status'],
      registers,
    }),
    materializationSeconds: new Histogram({
      name: 'feast_materialization_duration_seconds',
      help: 'Time to materialize one feature view.',
      labelNames: ['feature_view'],
      buckets: MATERIALIZATION_BUCKETS_SECONDS,
      registers,
    }),
    requests: createCounter({
      name: 'feast_feature_server_request_total',
      help: 'Requests by endpoint and outcome (success or error).',
      labelNames: ['endpoint', 'status'],
      registers,
    }),
    latency: createHistogram({
      name: 'feast_feature_server_request_latency_seconds',
      help: 'Time to answer, by endpoint and binned size of the request.',
      labelNames: ['endpoint', 'feature_count', 'feature_view_count'],
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }),
    onlineRequests: createCounter({
      name: 'feast_online_features_request_total',
      help: 'Online feature requests that were read from the store.',
      registers,
    }).of(),
    entityCount: createHistogram({
      name: 'feast_online_features_entity_count',
      help: 'Entity rows a request.',
      buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1_000],
      registers,
    }).of(),
    served: addStatuses(registers),
    pushes: new Counter({
      name: 'feast_push_request_total',
      help: 'Accepted pushes by push source and mode.',
      labelNames: ['push_source', 'mode'],
      registers,
    }),
    storeRead: createHistogram({
      name: 'feast_feature_server_online_store_read_duration_seconds',
      help: 'Time the online store took for one request.',
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    }).of(),
    olderRows: new Counter({
      name: 'usdcop_feature_server_older_rows_total',
      help: 'Pushed rows that lost to a row with the same or a newer event time.',
      labelNames: ['feature_view'],
      registers,
    }),
  }
}

/** Counted here and told at the scrape, because finding a counter by its labels costs as much as reading a row. */
function addStatuses(registers: Registry[]): FeatureServerMetrics['served'] {
  // Doubles: until somebody scrapes, values of weeks may come together.
  const served = new Map<string, Float64Array>()
  new Counter({
    name: 'feast_online_features_status_total',
    help: 'Served values by feature view and status.',
    labelNames: ['feature_view', 'status'],
    registers,
    collect() {
      for (const [view, counts] of served) {
        for (const [status, count] of statusesOf(counts))
          this.inc({ feature_view: view, status: status.toLowerCase() }, count)
        counts.fill(0)
      }
    },
  })
  return (view, counts) => {
    const known = served.get(view)
    if (known === undefined) served.set(view, Float64Array.from(counts))
    else for (let status = 0; status < counts.length; status++) known[status]! += counts[status]!
  }
}

/**
 * The age of the newest event of each view that passed through this process. Feast tells the age of
 * the last materialized interval instead, under which stale data looks fresh.
 */
function addFreshness(registers: Registry[], source: RegistrySource, clock: DomainClock) {
  const newest = new Map<string, number>()
  new Gauge({
    name: 'feast_feature_freshness_seconds',
    help: 'Age of the newest event that this server wrote for a feature view.',
    labelNames: ['feature_view', 'project'],
    aggregator: 'min',
    registers,
    collect() {
      this.reset()
      const { project, views } = source.current
      for (const [view, eventTimestamp] of newest)
        if (views.has(view))
          this.set({ feature_view: view, project }, (clock.now() - eventTimestamp) / 1_000)
    },
  })
  return (view: string, eventTimestamp: number): void => {
    const known = newest.get(view)
    if (known === undefined || eventTimestamp > known) newest.set(view, eventTimestamp)
  }
}

function addResourceMetrics(registers: Registry[]): void {
  let last = process.cpuUsage()
  let at = performance.now()
  new Gauge({
    name: 'feast_feature_server_cpu_usage',
    help: 'Processor time since the last scrape, in percent of one core.',
    registers,
    collect() {
      const now = performance.now()
      const { user, system } = process.cpuUsage(last)
      this.set(now > at ? (user + system) / 10 / (now - at) : 0)
      last = process.cpuUsage()
      at = now
    },
  })
  new Gauge({
    name: 'feast_feature_server_memory_usage',
    help: 'Resident memory in percent of what the machine, or the container, has.',
    registers,
    collect() {
      const limit = process.constrainedMemory() || totalmem()
      this.set((100 * process.memoryUsage.rss()) / Math.min(limit, totalmem()))
    },
  })
}

const FEATURE_BINS = [
  [10, '1-10'],
  [25, '11-25'],
  [50, '26-50'],
  [100, '51-100'],
  [250, '101-250'],
] as const

/** A label from a closed set: the raw count would make one time series a request shape. */
export function featureBin(count: number): string {
  for (const [upper, label] of FEATURE_BINS) if (count <= upper) return label
  return '251+'
}

/** Views a request may span before the label stops telling them apart. */
export function viewBin(count: number): string {
  return count < 10 ? String(count) : '10+'
}
