import { collectDefaultMetrics, Registry } from 'prom-client'
import { createHistogram, type Distribution, type Tally } from './tallies.ts'

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

/** Its label values are the method, the route template and the status. */
export function createRequestHistogram(registry: Registry): Tally<Distribution> {
  return createHistogram({
    name: 'usdcop_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, by route template.',
    labelNames: ['method', 'route', 'status'],
    buckets: LATENCY_BUCKETS_SECONDS,
    registers: [registry],
  })
}
