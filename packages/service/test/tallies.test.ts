import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createCounter, createHistogram } from '../src/tallies.ts'

const BUCKETS = [0.1, 1, 2.5]
const SEEN = [
  ['a', 0.05],
  ['a', 0.1],
  ['b', 1.000_1],
  ['a', 2.5],
  ['b', 70],
] as const
const seconds = { name: 'seconds', help: 'How long.', labelNames: ['route'], buckets: BUCKETS }
const asked = { name: 'asked_total', help: 'How often.', labelNames: ['route', 'status'] }
const alone = { name: 'alone_total', help: 'Without a label.' }

function ours(): Registry {
  const registry = new Registry()
  const registers = [registry]
  const times = createHistogram({ ...seconds, registers })
  const counts = createCounter({ ...asked, registers })
  createCounter({ ...alone, registers })
  for (const [route, took] of SEEN) {
    times.of(route).observe(took)
    counts.of(route, 200).inc()
  }
  return registry
}

function promClients(): Registry {
  const registry = new Registry()
  const registers = [registry]
  const times = new Histogram({ ...seconds, registers })
  const counts = new Counter({ ...asked, registers })
  new Counter({ ...alone, registers })
  for (const [route, took] of SEEN) {
    times.observe({ route }, took)
    counts.inc({ route, status: '200' })
  }
  return registry
}

test('tells what prom-client would have told', async () => {
  expect(await ours().metrics()).toBe(await promClients().metrics())
})

test('is added up over processes as prom-client is', async () => {
  const added = async (make: () => Registry) =>
    AggregatorRegistry.aggregate([
      await make().getMetricsAsJSON(),
      await make().getMetricsAsJSON(),
    ]).metrics()
  expect(await added(ours)).toBe(await added(promClients))
})
