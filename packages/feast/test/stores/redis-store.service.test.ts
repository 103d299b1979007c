import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import type { ServiceError } from '@usdcop/service/errors'
import { startRedis } from '@usdcop/tests/support/redis'
import { expect, test } from 'vitest'
import { connectRedis, createRedisStore } from '../../src/stores/redis-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
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

test('signs in as the user of its address, and tells no password when that fails', async () => {
  await using redis = await startRedis()
  const admin = await connected(redis.url)
  const user = `test_${randomUUID()}`
  const password = 'p@ss:word/1'
  // What the store needs and no more: the script's own commands count as the user's.
  const commands = ['hmget', 'hget', 'hset', 'eval', 'evalsha', 'ping', 'info', 'client']
  await admin.acl('SETUSER', user, 'on', `>${password}`, '~*', ...commands.map((one) => `+${one}`))
  const address = (secret: string): string => {
    const url = new URL(redis.url)
    url.username = user
    url.password = encodeURIComponent(secret)
    return url.href
  }

  const client = await connected(address(password))
  const store = createRedisStore(client, freshProject())
  const row = { entityKey: key, eventTimestamp: 1_000, values: new Map([['close', null]]) }
  expect(await store.write('bars', [row], signal)).toEqual(['written'])
  const [rows] = await store.read([{ view: 'bars', features: ['close'], keys: [key] }], signal)
  expect(rows?.[0]?.eventTimestamp).toBe(1_000)
  client.disconnect()

  const refused = Promise.withResolvers<Error>()
  const stranger = connectRedis(address('hunter2'), refused.resolve)
  const error = await refused.promise
  expect(error.message).toContain('WRONGPASS')
  expect(inspect(error, { showHidden: true, depth: null })).not.toContain('hunter2')
  stranger.disconnect()
  await admin.acl('DELUSER', user)
  admin.disconnect()
})

test('tells no row when a write is refused', async () => {
  await using redis = await startRedis()
  const client = await connected(redis.url)
  const project = freshProject()
  const wrong = Buffer.concat([key, Buffer.from(project)])
  await client.set(wrong, 'no hash')
  const write = createRedisStore(client, project).write(
    'bars',
    [{ entityKey: key, eventTimestamp: 1, values: new Map() }],
    signal,
  )
  const error = await write.catch((caught: ServiceError) => caught)
  expect(error).toMatchObject({
    code: 'store_unavailable',
    cause: { message: expect.stringContaining('WRONGTYPE') },
  })
  expect((error as ServiceError).cause).not.toHaveProperty('command')
  await client.del(wrong)
  client.disconnect()
})
