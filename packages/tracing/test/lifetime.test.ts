import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { startOtlpSink } from '@usdcop/tests/support/otlp-sink'
import { expect, test } from 'vitest'
import { attachTracing, shutdownTracing } from '../src/lifetime.ts'
import { withSpan } from '../src/spans.ts'
import { startTracing } from '../src/start.ts'
import { listening } from './app.ts'

const named = { serviceName: 'test', environment: 'test' }

/** Takes connections and says nothing, as a collector that hangs. */
async function silentServer() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

test('closes last what was attached first, and sends the spans that closing made', async () => {
  await using sink = await startOtlpSink()
  startTracing({ endpoint: sink.url, ...named })
  const steps: { name: string; close: () => Promise<void> }[] = []
  attachTracing(
    { onClose: (name, close) => void steps.push({ name, close }) },
    { info: () => {}, warn: () => {} },
  )
  expect(steps.map(({ name }) => name)).toEqual(['traces'])
  await withSpan('closing', {}, async () => {})
  await steps[0]?.close()
  expect(sink.spans.map(({ name }) => name)).toEqual(['closing'])
})

test('waits no longer than its limit for a collector that hangs, and serves meanwhile', async () => {
  await using hanging = await silentServer()
  startTracing({ endpoint: hanging.endpoint, ...named })
  const { app, url } = await listening((on) => on.get('/', () => 'served'))
  expect(await (await fetch(url)).text()).toBe('served')
  await app.close()
  const startedAt = performance.now()
  await shutdownTracing(200)
  const tookMs = performance.now() - startedAt
  expect(tookMs).toBeGreaterThanOrEqual(199)
  expect(tookMs).toBeLessThan(1_500)
})

test('loses spans to a collector that is away, says so once, and fails at nothing', async () => {
  const gone = await silentServer()
  const { endpoint } = gone
  await gone[Symbol.asyncDispose]()
  startTracing({ endpoint, ...named })
  const told: object[] = []
  attachTracing(
    { onClose: () => {} },
    {
      info: () => {},
      warn: (fields, message) => void told.push({ ...fields, message }),
    },
  )
  for (let count = 0; count < 600; count += 1) await withSpan('lost', {}, async () => {})
  await shutdownTracing(5_000)
  expect(told).toEqual([
    expect.objectContaining({ endpoint, message: 'the collector takes no spans' }),
  ])
})

test('has nothing to shut down while tracing is off', async () => {
  await expect(shutdownTracing()).resolves.toBeUndefined()
})
