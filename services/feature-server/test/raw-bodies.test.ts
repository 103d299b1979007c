import type { Materializer } from '@usdcop/feast/registry/materialization'
import { expect, test } from 'vitest'
import { demo } from './demo.ts'
import { temporaryStore, testApp } from './feature-server.ts'
import { sendRawBodies } from './raw-bodies.ts'

const materializer: Materializer = { run: async () => [] }

test('answers 1,000 raw bodies without a fault of its own', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, materializer })
  const { statuses, failures } = await sendRawBodies(app, 1_000)
  expect(failures).toEqual([])
  expect(statuses.get(200)).toBeGreaterThan(20)
  expect(statuses.get(422)).toBeGreaterThan(300)
  expect(Object.prototype).not.toHaveProperty('driver_id')
}, 60_000)
