import { STATUSES } from '@usdcop/feast/serving/ttl'
import { createRegistry as createMetricsRegistry } from '@usdcop/service/metrics'
import { expect, test } from 'vitest'
import { createFeatureServerMetrics } from '../src/metrics.ts'
import { demo } from './demo.ts'

test('counts served values that nobody asked after for weeks, and tells each once', async () => {
  const registry = createMetricsRegistry('feature-server')
  const clock = { now: () => 0 }
  const metrics = createFeatureServerMetrics(registry, { current: demo }, clock)
  const counts = STATUSES.map(() => 0)
  counts[STATUSES.indexOf('PRESENT')] = 4_000_000_000
  for (let time = 0; time < 3; time += 1) metrics.served('driver_stats', counts)
  const told = async () => {
    const text = await registry.getSingleMetricAsString('feast_online_features_status_total')
    return text.split('\n').filter((line) => line.includes('driver_stats'))
  }
  const line = expect.stringMatching(/status="present".* 12000000000$/)
  expect(await told()).toEqual([line])
  expect(await told()).toEqual([line])
})
