import { type RedisCluster, redisCli, startRedisCluster } from '@usdcop/tests/support/redis-cluster'
import { redisConfig } from '@usdcop/tests/support/redis-config'
import { until } from '@usdcop/tests/support/until'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OnlineRow } from '../../src/stores/online-store.ts'
import { openOnlineStore } from '../../src/stores/open-store.ts'
import { keySlot } from '../../src/stores/redis-slot.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import { describeOnlineStore } from './store-suite.ts'

const signal = AbortSignal.timeout(120_000)

let cluster: RedisCluster
beforeAll(async () => {
  cluster = await startRedisCluster()
})
afterAll(() => cluster?.[Symbol.asyncDispose]())

async function openStore(project: string) {
  const config = redisConfig(cluster.nodes.slice(0, 2), { redisType: 'redis_cluster' })
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

const rowOf = (id: number, eventTimestamp: number): OnlineRow => ({
  entityKey: entityKey([['id', { type: 'INT64', value: BigInt(id) }]]),
  eventTimestamp,
  values: new Map([['twice', { type: 'INT64', value: BigInt(2 * id) }]]),
})

describeOnlineStore('the Redis Cluster store', async () => {
  const first = await openStore('suite')
  const second = await openStore('suite')
  return {
    first,
    second,
    async dispose() {
      await first.close()
      await second.close()
    },
  }
})

test('finds the slot of every key, braces in it or not, as Redis does', async () => {
  const client = new Redis(cluster.nodes[0]?.url ?? '')
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.array(fc.constantFrom(0x7b, 0x7d, 0x61), { maxLength: 8 }),
  )
  await fc.assert(
    fc.asyncProperty(bytes, async (key) => {
      const slot = await client.cluster('KEYSLOT', Buffer.from(key) as unknown as string)
      expect(keySlot(Buffer.from(key))).toBe(slot)
    }),
  )
  client.disconnect()
})

test('writes and reads thousands of rows of all slots, and erases a project on every node', async () => {
  const store = await openStore('wide')
  const other = await openStore('rawide')
  const rows = Array.from({ length: 3_000 }, (_, id) => rowOf(id, 1_000))
  expect(new Set(await store.write('v', rows, signal))).toEqual(new Set(['written']))
  await other.write('v', rows.slice(0, 50), signal)
  const read = { view: 'v', features: ['twice'], keys: rows.map(({ entityKey: key }) => key) }
  const [stored] = await store.read([read], signal)
  expect(stored?.map((row) => row?.values[0])).toEqual(
    rows.map((_, id) => ({ type: 'INT64', value: BigInt(2 * id) })),
  )
  expect(await store.deleteProject(signal)).toBe(3_000)
  expect(await other.deleteProject(signal)).toBe(50)
  await Promise.all([store.close(), other.close()])
})

test('follows keys whose slot moves to another node under its feet', async () => {
  const store = await openStore('moving')
  const rows = Array.from({ length: 500 }, (_, id) => rowOf(id, 1_000))
  await store.write('v', rows, signal)
  const [from, to] = cluster.nodes as [RedisCluster['nodes'][0], RedisCluster['nodes'][0]]
  const source = (await redisCli(from, 'cluster', 'myid')).trim()
  const target = (await redisCli(to, 'cluster', 'myid')).trim()
  let moved = false
  const move = redisCli(
    from,
    '--cluster',
    'reshard',
    `${from.host}:${from.port}`,
    '--cluster-from',
    source,
    '--cluster-to',
    target,
    '--cluster-slots',
    '2000',
    '--cluster-yes',
  ).finally(() => {
    moved = true
  })
  let instant = 2_000
  do {
    const outcomes = await store.write(
      'v',
      rows.map((row) => ({ ...row, eventTimestamp: instant })),
      signal,
    )
    expect(new Set(outcomes)).toEqual(new Set(['written']))
    const read = { view: 'v', features: ['twice'], keys: rows.map(({ entityKey: key }) => key) }
    const [stored] = await store.read([read], signal)
    expect(stored).toEqual(
      rows.map(({ values }) => ({ eventTimestamp: instant, values: [...values.values()] })),
    )
    instant += 1
  } while (!moved)
  await move
  expect(instant).toBeGreaterThan(2_010)
  await store.close()
})
