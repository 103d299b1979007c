import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { startRedis } from '@usdcop/tests/support/redis'
import { expect, test } from 'vitest'
import { entityKey } from '../src/entity-key.ts'
import { connectRedis, createRedisStore } from '../src/redis-store.ts'
import { describeOnlineStore } from './store-suite.ts'

const signal = AbortSignal.timeout(60_000)
const key = entityKey([['symbol', { type: 'STRING', value: 'USD/COP' }]])

const freshProject = () => `test_${randomUUID().replaceAll('-', '')}`

async function connected(url: string) {
  const client = connectRedis(url, () => {})
  await once(client, 'ready')
  return client
}

describeOnlineStore('the Redis store', async () => {
  const redis = await startRedis()
  const project = freshProject()
  const clients = [await connected(redis.url), await connected(redis.url)] as const
  return {
    first: createRedisStore(clients[0], project),
    second: createRedisStore(clients[1], project),
    async dispose() {
      for (const client of clients) client.disconnect()
      await redis[Symbol.asyncDispose]()
    },
  }
})

test('writes rows after the server forgot its scripts', async () => {
  await using redis = await startRedis()
  const client = await connected(redis.url)
  const store = createRedisStore(client, freshProject())
  const rowAt = (eventTimestamp: number) => ({
    entityKey: key,
    eventTimestamp,
    values: new Map([['close', null]]),
  })
  expect(await store.write('bars', [rowAt(1)], signal)).toEqual(['written'])
  await client.script('FLUSH')
  expect(await store.write('bars', [rowAt(2), rowAt(1)], signal)).toEqual(['written', 'older'])
  client.disconnect()
})

/** A way to a server that can be cut and mended under one address. */
async function startRoute(url: string) {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  const open = async (at: number) => {
    const server = createServer((near) => {
      const far = connect(Number(port), hostname)
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => {})
      }
      near.pipe(far).pipe(near)
    })
    await once(server.listen(at, '127.0.0.1'), 'listening')
    return server
  }
  let server = await open(0)
  const at = (server.address() as AddressInfo).port
  return {
    url: `redis://127.0.0.1:${at}`,
    async cut() {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await new Promise((resolve) => server.close(resolve))
    },
    async mend() {
      server = await open(at)
    },
  }
}

test('answers store_unavailable at once while the server is away, and recovers by itself', async () => {
  await using redis = await startRedis()
  const route = await startRoute(redis.url)
  const client = await connected(route.url)
  const store = createRedisStore(client, freshProject())
  const read = [{ view: 'bars', features: ['close'], keys: [key] }]

  const lost = once(client, 'close')
  await route.cut()
  await lost
  const unavailable = expect.objectContaining({ code: 'store_unavailable' })
  await expect(store.read(read, signal)).rejects.toEqual(unavailable)
  await expect(
    store.write('bars', [{ entityKey: key, eventTimestamp: 1, values: new Map() }], signal),
  ).rejects.toEqual(unavailable)
  await expect(store.ping(signal)).rejects.toEqual(unavailable)

  const back = once(client, 'ready')
  await route.mend()
  await back
  expect(await store.read(read, signal)).toEqual([[undefined]])
  client.disconnect()
  await route.cut()
})
