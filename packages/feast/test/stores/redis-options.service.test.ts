import { inspect } from 'node:util'
import { redisConfig } from '@usdcop/tests/support/redis-config'
import { type RedisNode, startRedisNode } from '@usdcop/tests/support/redis-node'
import { until } from '@usdcop/tests/support/until'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { RedisConfig } from '../../src/config/repo-config.ts'
import type { OnlineRow } from '../../src/stores/online-store.ts'
import { openOnlineStore } from '../../src/stores/open-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import type { Value } from '../../src/wire/value.ts'

const signal = AbortSignal.timeout(120_000)

let node: RedisNode
let client: Redis
beforeAll(async () => {
  node = await startRedisNode({ options: ['--requirepass', 'hunter2'] })
  client = new Redis({ port: node.port, password: 'hunter2', db: 3 })
})
afterAll(async () => {
  client.disconnect()
  await node[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await client.flushall()
})

async function openStore(rest: Partial<RedisConfig> = {}, project = 'demo') {
  const config = redisConfig([node], { password: 'hunter2', database: 3, ...rest })
  const store = openOnlineStore(config, project, { onError: () => {} })
  await until(
    () =>
      store.ping(signal).then(
        () => true,
        () => false,
      ),
    'the store is connected',
  )
  return store
}

const keyOf = (id: bigint) => entityKey([['id', { type: 'INT64', value: id }]])
const inRedis = (entity: Buffer, project = 'demo') => Buffer.concat([entity, Buffer.from(project)])
const rowOf = (id: bigint, eventTimestamp: number, value = 1n): OnlineRow => ({
  entityKey: keyOf(id),
  eventTimestamp,
  values: new Map<string, Value>([['f', { type: 'INT64', value }]]),
})

test('gives an entity its time to live with each row written, and none with a row that lost', async () => {
  const store = await openStore({ keyTtlSeconds: 1_000 })
  await store.write('v', [rowOf(1n, 10)], signal)
  expect(await client.ttl(inRedis(keyOf(1n)))).toBeGreaterThan(990)
  await client.expire(inRedis(keyOf(1n)), 100)
  expect(await store.write('v', [rowOf(1n, 10)], signal)).toEqual(['older'])
  expect(await client.ttl(inRedis(keyOf(1n)))).toBeLessThanOrEqual(100)
  await store.write('v', [rowOf(1n, 11)], signal)
  expect(await client.ttl(inRedis(keyOf(1n)))).toBeGreaterThan(990)
  await store.close()
})

test.for([undefined, 0])('gives no time to live for %s seconds', async (keyTtlSeconds) => {
  const store = await openStore({ keyTtlSeconds })
  await store.write('v', [rowOf(1n, 10)], signal)
  expect(await client.ttl(inRedis(keyOf(1n)))).toBe(-1)
  await store.close()
})

test('writes whatever is stored, and the last of a batch, when duplicates are not looked for', async () => {
  const store = await openStore({ skipDedup: true, keyTtlSeconds: 1_000 })
  await store.write('v', [rowOf(1n, 10, 1n)], signal)
  const outcomes = await store.write('v', [rowOf(1n, 9, 2n), rowOf(1n, 5, 3n)], signal)
  expect(outcomes).toEqual(['written', 'written'])
  const [rows] = await store.read([{ view: 'v', features: ['f'], keys: [keyOf(1n)] }], signal)
  expect(rows).toEqual([{ eventTimestamp: 5, values: [{ type: 'INT64', value: 3n }] }])
  expect(await client.ttl(inRedis(keyOf(1n)))).toBeGreaterThan(990)
  await store.close()
})

test('takes a row of more features than fit on the stack of a script', async () => {
  const store = await openStore()
  const features = Array.from({ length: 9_000 }, (_, index) => `f${index}`)
  const values = new Map<string, Value>(
    features.map((name, index) => [name, { type: 'INT64', value: BigInt(index) }]),
  )
  await store.write('v', [{ entityKey: keyOf(1n), eventTimestamp: 1, values }], signal)
  const [rows] = await store.read([{ view: 'v', features, keys: [keyOf(1n)] }], signal)
  expect(rows?.[0]?.values).toEqual([...values.values()])
  await store.close()
})

test('erases this project only: not one whose name ends in its name, nor a key that is no row', async () => {
  const projects = ['prod', 'preprod', 'prod2', 'p*d']
  const stores = await Promise.all(projects.map((project) => openStore({}, project)))
  const rows = Array.from({ length: 1_500 }, (_, id) => rowOf(BigInt(id), 1))
  for (const store of stores) await store.write('v', rows, signal)
  // An entity whose value ends in the name: the project behind it is another.
  const tricky = entityKey([['id', { type: 'STRING', value: 'prod' }]])
  await stores[2]?.write('v', [{ ...rowOf(0n, 1), entityKey: tricky }], signal)
  await client.set('a note about prod', 'not ours')

  expect(await stores[3]?.deleteProject(signal)).toBe(1_500)
  expect(await stores[0]?.deleteProject(signal)).toBe(1_500)
  const left = (await client.keysBuffer('*')).map((key) => key.toString('latin1'))
  expect(left.filter((key) => key.endsWith('preprod'))).toHaveLength(1_500)
  expect(left.filter((key) => key.endsWith('prod2'))).toHaveLength(1_501)
  expect(left).toHaveLength(3_002)
  expect(left).toContain('a note about prod')
  await Promise.all(stores.map((store) => store.close()))
})

test('erases one view: the hash stays while another view is in it', async () => {
  const store = await openStore()
  await store.write('v', [rowOf(1n, 1), rowOf(2n, 1)], signal)
  await store.write('w', [rowOf(1n, 1)], signal)
  const pair = entityKey([
    ['id', { type: 'INT64', value: 1n }],
    ['other', { type: 'INT64', value: 1n }],
  ])
  await store.write('v', [{ ...rowOf(0n, 1), entityKey: pair }], signal)
  expect(await store.deleteView({ view: 'v', features: ['f'], joinKeys: ['id'] }, signal)).toBe(2)
  const names = await client.hkeysBuffer(inRedis(keyOf(1n)))
  expect(names.map(String)).toContain('_ts:w')
  expect(names).toHaveLength(2)
  expect(await client.exists(inRedis(keyOf(2n)))).toBe(0)
  expect(await client.exists(inRedis(pair))).toBe(1)
  await store.close()
})

test('tells no password where the server refuses it', async () => {
  const { promise, resolve } = Promise.withResolvers<Error>()
  const config = redisConfig([node], { username: 'nobody', password: 'correct horse' })
  const store = openOnlineStore(config, 'demo', { onError: resolve })
  const heard = await promise
  const failed = await store.ping(signal).catch((error: Error) => error)
  expect(heard.message).toContain('WRONGPASS')
  expect(inspect([heard, failed], { showHidden: true, depth: null })).not.toContain('correct horse')
  await store.close()
})
