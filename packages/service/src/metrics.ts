import {
  Counter,
  type CounterConfiguration,
  collectDefaultMetrics,
  Histogram,
  Registry,
} from 'prom-client'

/** Seconds. They start at a quarter of a millisecond: most of our answers take less than five. */
export const LATENCY_BUCKETS_SECONDS = [
  0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

/** A registry of one service. Each app owns its own, so two apps in one process share nothing. */
export function createRegistry(service: string): Registry {
  const registry = new Registry()
  registry.setDefaultLabels({ service })
  return registry
}

/** Memory, event loop and garbage collection of the process; `main.ts` asks for it, once. */
export function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
}

export function createRequestHistogram(
  registry: Registry,
): Histogram<'method' | 'route' | 'status'> {
  return new Histogram({
    name: 'usdcop_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, by route template.',
    labelNames: ['method', 'route', 'status'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers: [registry],
  })
}

/**
 * A counter of what happens at every request. Counted here and told at the scrape, because finding a counter by its labels
 * costs more than counting.
 * @returns counts one, of these values of its labels in their order; from closed sets, as every label's
 */
export function createTally<Label extends string>(
  configuration: CounterConfiguration<Label> & { readonly labelNames: readonly Label[] },
): (...values: readonly string[]) => void {
  const counts = new Map<string, { readonly labels: Record<string, string>; since: number }>()
  new Counter<string>({
    ...configuration,
    collect() {
      for (const counted of counts.values()) {
        this.inc(counted.labels, counted.since)
        counted.since = 0
      }
    },
  })
  return (...values) => {
    const key = values.join('\n')
    const known = counts.get(key)
    if (known !== undefined) {
      known.since += 1
      return
    }
    const named = configuration.labelNames.map((label, place) => [label, values[place] ?? ''])
    counts.set(key, { labels: Object.fromEntries(named), since: 1 })
  }
}
