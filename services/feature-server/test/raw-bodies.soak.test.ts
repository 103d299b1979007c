import type { Materializer } from '@usdcop/feast/registry/materialization'
import { expect, test } from 'vitest'
import { demo } from './demo.ts'
import { temporaryStore, testApp } from './feature-server.ts'
import { sendRawBodies } from './raw-bodies.ts'

const materializer: Materializer = { run: async () => [] }
const GROWTH_LIMIT_BYTES = 32 * 1_024 * 1_024

test('answers 10,000 raw bodies without a fault of its own and without growing', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, materializer })
  await sendRawBodies(app, 2_000)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const { failures } = await sendRawBodies(app, 10_000)
  globalThis.gc?.()
  const growth = process.memoryUsage().heapUsed - before
  expect(failures).toEqual([])
  expect(growth).toBeLessThan(GROWTH_LIMIT_BYTES)
}, 600_000)
