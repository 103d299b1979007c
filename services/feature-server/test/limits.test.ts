import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { expect, test } from 'vitest'
import { askFor, demo, detailIn, post, row } from './demo.ts'
import { TOKENS, temporaryStore, testApp } from './feature-server.ts'

/** A store whose every answer waits until it is let go, or for its caller's signal. */
function heldStore(store: OnlineStore) {
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  const held = async (signal: AbortSignal): Promise<void> => {
    waiting += 1
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
    await Promise.race([gate.promise, aborted])
  }
  return {
    release: gate.resolve,
    waiting: () => waiting,
    store: {
      ...store,
      write: async (...[view, rows, signal]: Parameters<OnlineStore['write']>) => {
        await held(signal)
        return await store.write(view, rows, signal)
      },
    },
  }
}

const write = post(
  '/write-to-online-store',
  { feature_view_name: 'stats', df: row('stats') },
  TOKENS.writer,
)

test('tells more callers than it takes on to come back, and takes the next one on', async () => {
  await using whole = temporaryStore('demo')
  const { store, release, waiting } = heldStore(whole)
  await using app = testApp({ registry: demo, store, limits: { concurrentRequests: 2 } })
  const first = [app.inject(write), app.inject(write)]
  await expect.poll(waiting).toBe(2)
  const third = await app.inject(post('/get-online-features', askFor('stats:stats_rate')))
  expect([third.statusCode, third.headers['retry-after']]).toEqual([429, '1'])
  expect(detailIn(third.body).class).toBe('FeastError')
  expect((await app.inject('/health')).statusCode).toBe(200)
  release()
  expect((await Promise.all(first)).map(({ statusCode }) => statusCode)).toEqual([200, 200])
  expect((await app.inject(write)).statusCode).toBe(200)
})

test('answers 504 at the deadline, and has room again', async () => {
  await using whole = temporaryStore('demo')
  const { store, waiting } = heldStore(whole)
  const limits = { concurrentRequests: 1, requestTimeoutMs: 50 }
  await using app = testApp({ registry: demo, store, limits })
  for (const turn of [1, 2]) {
    const reply = await app.inject(write)
    expect([reply.statusCode, waiting()]).toEqual([504, turn])
    expect(detailIn(reply.body).message).toBe('the feature server cannot answer now')
  }
})

test('has room again when callers leave', async () => {
  await using whole = temporaryStore('demo')
  const { store, release, waiting } = heldStore(whole)
  await using app = testApp({ registry: demo, store, limits: { concurrentRequests: 1 } })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  socket.write(
    `POST /write-to-online-store HTTP/1.1\r\nhost: localhost\r\n` +
      `authorization: Bearer ${TOKENS.writer}\r\ncontent-length: ${write.payload.length}\r\n\r\n` +
      write.payload,
  )
  await expect.poll(waiting).toBe(1)
  expect((await app.inject(write)).statusCode).toBe(429)
  socket.destroy()
  await once(socket, 'close')
  release()
  await expect.poll(async () => (await app.inject(write)).statusCode).toBe(200)
})
