import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Materializer } from '@usdcop/feast/registry/materialization'
import { expect, test } from 'vitest'
import { demo } from './demo.ts'
import { temporaryStore, testApp } from './feature-server.ts'
import { sendRawBodies } from './raw-bodies.ts'

const materializer: Materializer = { run: async () => [] }
/** What a leak of half a kilobyte a request would come to. */
const GROWTH_LIMIT_BYTES = 5 * 1_024 * 1_024

test('answers 10,000 raw bodies without a fault of its own and without growing', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, materializer })
  // As many others before: caches are full and code is compiled when the measuring begins.
  await sendRawBodies(app, 10_000, 10_001)
  const before = usedBytes()
  const { failures, statuses } = await sendRawBodies(app, 10_000)
  const growth = usedBytes() - before
  const told = [...statuses].map(([status, count]) => `${count} with ${status}`).join(', ')
  const megabytes = (bytes: number) => `${(bytes / 1_048_576).toFixed(2)} MiB`
  process.stdout.write(
    `10,000 raw bodies: ${told}; heap ${megabytes(before)} before, ${megabytes(growth)} more after\n`,
  )
  expect(failures).toEqual([])
  expect(growth).toBeLessThan(GROWTH_LIMIT_BYTES)
}, 600_000)

/** Of the heap, once what nobody needs is gone. */
function usedBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
