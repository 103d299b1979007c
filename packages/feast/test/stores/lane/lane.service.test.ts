import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { startRedis } from '@usdcop/tests/support/redis'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { expect, test, vi } from 'vitest'
import type { HashAsk, Hashes } from '../../../src/stores/hash-source.ts'
import { followNode } from '../../../src/stores/lane/follow-node.ts'
import type { Lane } from '../../../src/stores/lane/lane.ts'
import { fetchOver, laneHashes } from '../../../src/stores/lane/lane-hashes.ts'
import { plainHashes } from '../../../src/stores/plain-hashes.ts'
import { redisKey } from '../../../src/stores/redis-rows.ts'
import { connectRedis } from '../../../src/stores/redis-store.ts'

const signal = AbortSignal.timeout(60_000)
const freshSuffix = () => Buffer.from(`test_${randomUUID().replaceAll('-', '')}`)

async function connected(url: string, tell: (error: Error) => void = () => {}) {
  const client = connectRedis(url, () => {})
  await once(client, 'ready')
  const follower = followNode(client, tell)
  await vi.waitFor(() => expect(follower.lane).toBeDefined())
  return { client, follower, lane: follower.lane as Lane }
}

function listOf(fields: readonly Buffer[]): HashAsk['list'] {
  const wire = fields.flatMap((field) => [
    Buffer.from(`$${field.length}\r\n`),
    field,
    Buffer.from('\r\n'),
  ])
  return { fields, wire: Buffer.concat(wire) }
}

const ask = (keys: readonly string[], ...fields: string[]): HashAsk => ({
  keys: keys.map((key) => Buffer.from(key)),
  list: listOf(fields.map((field) => Buffer.from(field))),
})

/** Every cell's bytes, wherever they lie. */
function cellsOf(hashes: readonly Hashes[], asks: readonly HashAsk[]) {
  return hashes.map(({ buffers, cells, first }, index) =>
    buffers.map((buffer, row) => {
      const width = asks[index]?.list.fields.length ?? 0
      return Array.from({ length: width }, (_, cell) => {
        const place = first + 2 * (row * width + cell)
        const start = cells[place] as number
        return start < 0 ? null : buffer.toString('hex', start, cells[place + 1])
      })
    }),
  )
}

test('reads byte for byte what ioredis reads, whatever is stored and asked for', async () => {
  await using redis = await startRedis()
  const { client, lane } = await connected(redis.url)
  const suffix = freshSuffix()
  const plain = plainHashes(client, suffix)
  const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((each) => Buffer.from(each))
  const small = fc
    .uint8Array({ minLength: 1, maxLength: 2, max: 3 })
    .map((each) => Buffer.from(each))
  const stored = fc.array(fc.tuple(small, small, bytes(200)), { maxLength: 20 })
  const asked = fc.array(
    fc.record({
      keys: fc.array(small, { maxLength: 6 }),
      list: fc.array(small, { minLength: 1, maxLength: 6 }).map(listOf),
    }),
    { maxLength: 4 },
  )
  const property = fc.asyncProperty(
    stored,
    fc.array(asked, { maxLength: 4 }),
    async (rows, requests) => {
      for (const [key, field, value] of rows) await client.hset(redisKey(key, suffix), field, value)
      const answers = await Promise.all(
        requests.map(async (asks) => {
          const [ours, theirs] = await Promise.all([
            fetchOver(lane, asks, suffix, signal),
            plain.fetch(asks, signal),
          ])
          expect(ours.refusals).toEqual([])
          return [cellsOf(ours.hashes, asks), cellsOf(theirs, asks)]
        }),
      )
      for (const [ours, theirs] of answers) expect(ours).toEqual(theirs)
    },
  )
  await fc.assert(property, { numRuns: 60 })
  client.disconnect()
})

test('reads rows larger than any chunk, and many requests at once', async () => {
  await using redis = await startRedis()
  const { client, lane } = await connected(redis.url)
  const suffix = freshSuffix()
  const large = Buffer.alloc(700_000, 'large')
  await client.hset(redisKey(Buffer.from('a'), suffix), 'x', large, 'y', 'small')
  const one = ask(['a', 'b', 'a'], 'y', 'x', 'z')
  const all = await Promise.all(
    Array.from({ length: 20 }, () => fetchOver(lane, [one], suffix, signal)),
  )
  const row = [Buffer.from('small').toString('hex'), large.toString('hex'), null]
  for (const { hashes } of all)
    expect(cellsOf(hashes, [one])).toEqual([[row, [null, null, null], row]])
  client.disconnect()
})

test('a refused hash fails its request and no other', async () => {
  await using redis = await startRedis()
  const { client } = await connected(redis.url)
  const suffix = freshSuffix()
  await client.set(redisKey(Buffer.from('text'), suffix), 'no hash')
  await client.hset(redisKey(Buffer.from('a'), suffix), 'x', '1')
  const source = laneHashes(
    client,
    suffix,
    { fetch: () => Promise.reject(new Error('not the lane')) },
    () => {},
  )
  await vi.waitFor(() => source.fetch([ask(['a'], 'x')], signal))
  const [bad, good] = await Promise.allSettled([
    source.fetch([ask(['a', 'text'], 'x')], signal),
    source.fetch([ask(['a'], 'x')], signal),
  ])
  expect(bad).toMatchObject({
    reason: { code: 'store_unavailable', cause: { message: expect.stringContaining('WRONGTYPE') } },
  })
  expect(good.status).toBe('fulfilled')
  client.disconnect()
})

test('signs in with user, password and database number', async () => {
  await using redis = await startRedis()
  const { client: admin } = await connected(redis.url)
  const user = `test_${randomUUID()}`
  await admin.acl(
    'SETUSER',
    user,
    'on',
    '>p@ss',
    '~*',
    '+hmget',
    '+select',
    '+ping',
    '+info',
    '+client',
  )
  await admin.select(3)
  const suffix = freshSuffix()
  await admin.hset(redisKey(Buffer.from('a'), suffix), 'x', '1')
  const url = new URL('/3', redis.url)
  url.username = user
  url.password = encodeURIComponent('p@ss')
  const { client, lane } = await connected(url.href)
  const one = ask(['a'], 'x')
  const { hashes } = await fetchOver(lane, [one], suffix, signal)
  expect(cellsOf(hashes, [one])).toEqual([[['31']]])
  await admin.del(redisKey(Buffer.from('a'), suffix))
  await admin.acl('DELUSER', user)
  client.disconnect()
  admin.disconnect()
})

/** A server that answers INFO as Redis does, and every HMGET by the given hand. */
async function startPretender(answer: (socket: Socket, commands: number) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1')
      const others = text.match(/\r\n(info|client|hello)\r\n/gi)?.length ?? 0
      const info = 'redis_version:7.2.0\r\nloading:0\r\n'
      for (let index = 0; index < others; index++) socket.write(`$${info.length}\r\n${info}\r\n`)
      const asked = text.match(/HMGET/g)?.length ?? 0
      if (asked > 0) answer(socket, asked)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test('gives the connection up when an answer is overdue, and opens another', async () => {
  let silent = true
  await using server = await startPretender((socket, asked) => {
    if (!silent) for (let index = 0; index < asked; index++) socket.write('*1\r\n$1\r\n7\r\n')
  })
  const client = new Redis(server.url, { commandTimeout: 100 })
  client.on('error', () => {})
  await once(client, 'ready')
  const told: Error[] = []
  const follower = followNode(client, (error) => told.push(error))
  await vi.waitFor(() => expect(follower.lane).toBeDefined())
  const first = follower.lane as Lane
  const one = ask(['a'], 'x')
  const left = new AbortController()
  const reads = [signal, signal, left.signal].map((each) =>
    fetchOver(first, [one], Buffer.from('p'), each),
  )
  left.abort(new Error('the caller left'))
  const outcomes = await Promise.allSettled(reads)
  const unavailable = { reason: { code: 'store_unavailable' } }
  expect(outcomes).toMatchObject([
    unavailable,
    unavailable,
    { reason: { message: 'the caller left' } },
  ])
  expect(told.map(({ message }) => message)).toEqual(['redis did not answer within 100 ms'])
  silent = false
  await vi.waitFor(() => expect(follower.lane).toBeDefined())
  const { hashes } = await fetchOver(follower.lane as Lane, [one], Buffer.from('p'), signal)
  expect(cellsOf(hashes, [one])).toEqual([[['37']]])
  client.disconnect()
})

test('a caller who left does not shift the answers of those behind', async () => {
  const held = Promise.withResolvers<() => void>()
  await using server = await startPretender((socket, asked) =>
    held.resolve(() => {
      for (let index = 0; index < asked; index++) socket.write(`*1\r\n$1\r\n${index}\r\n`)
    }),
  )
  const { client, lane } = await connected(server.url)
  const left = new AbortController()
  const one = ask(['a'], 'x')
  const first = fetchOver(lane, [one], Buffer.from('p'), left.signal)
  const second = fetchOver(lane, [one], Buffer.from('p'), signal)
  const reply = await held.promise
  left.abort(new Error('the caller left'))
  await expect(first).rejects.toThrow('the caller left')
  reply()
  expect(cellsOf((await second).hashes, [one])).toEqual([[['31']]])
  client.disconnect()
})

test('trusts nothing behind a reply that it did not ask for', async () => {
  await using server = await startPretender((socket) => socket.write('+OK\r\n*1\r\n$1\r\n7\r\n'))
  const told: Error[] = []
  const { client, lane } = await connected(server.url, (error) => told.push(error))
  await expect(fetchOver(lane, [ask(['a'], 'x')], Buffer.from('p'), signal)).rejects.toMatchObject({
    code: 'store_unavailable',
  })
  expect(told.map(({ message }) => message)).toEqual([
    'redis sent a reply that was not asked for ("+")',
  ])
  client.disconnect()
})

test('turns callers away instead of queueing without end', async () => {
  await using server = await startPretender(() => {})
  const { client, lane } = await connected(server.url)
  const mebibytes = { ...ask(['a'], 'x'), keys: [Buffer.alloc(20 * 1024 * 1024)] }
  const held = fetchOver(lane, [mebibytes], Buffer.from('p'), signal)
  await expect(fetchOver(lane, [mebibytes], Buffer.from('p'), signal)).rejects.toMatchObject({
    code: 'store_unavailable',
  })
  client.disconnect()
  await expect(held).rejects.toMatchObject({ code: 'store_unavailable' })
})
