import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { startRedis } from '@usdcop/tests/support/redis'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import type { FeatureView } from '../../../src/registry/definitions.ts'
import { createRegistry } from '../../../src/registry/registry.ts'
import { keyedReads, readEntityRows } from '../../../src/serving/entity-rows.ts'
import { makePlan } from '../../../src/serving/plan.ts'
import { writeReply } from '../../../src/serving/reply.ts'
import type { HashSource } from '../../../src/stores/hash-source.ts'
import { laneHashes } from '../../../src/stores/lane/lane-hashes.ts'
import { plainHashes } from '../../../src/stores/plain-hashes.ts'
import { createRedisReader } from '../../../src/stores/redis-read.ts'
import { connectRedis, createRedisStore } from '../../../src/stores/redis-store.ts'
import { entityKey } from '../../../src/wire/entity-key.ts'
import type { Value } from '../../../src/wire/value-types.ts'

const signal = AbortSignal.timeout(60_000)
const NOW = Date.UTC(2025, 2, 3, 15, 30)
const VIEWS = 6
const FEATURES = ['a', 'b', 'c', 'd']

const views = Array.from(
  { length: VIEWS },
  (_, index): FeatureView => ({
    name: `view_${index}`,
    entities: ['driver'],
    features: FEATURES.map((name) => ({ name: `${name}_${index}`, valueType: 'DOUBLE' })),
    ttlMs: index % 2 === 0 ? 0 : 60_000,
    pushSource: undefined,
    tags: {},
  }),
)

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  int64.map((each): Value => ({ type: 'INT64', value: each })),
  fc.integer().map((each): Value => ({ type: 'INT32', value: each })),
  int64.map((each): Value => ({ type: 'UNIX_TIMESTAMP', value: each })),
  fc.double().map((each): Value => ({ type: 'DOUBLE', value: each })),
  fc.float().map((each): Value => ({ type: 'FLOAT', value: each })),
  fc.boolean().map((each): Value => ({ type: 'BOOL', value: each })),
  fc.string({ unit: 'binary' }).map((each): Value => ({ type: 'STRING', value: each })),
  fc.uint8Array().map((each): Value => ({ type: 'BYTES', value: each })),
  fc.uuid().map((each): Value => ({ type: 'UUID', value: each })),
  fc.json().map((each): Value => ({ type: 'JSON', value: each })),
  fc.array(int64).map((each): Value => ({ type: 'INT64_LIST', value: each })),
  fc.array(fc.string()).map((each): Value => ({ type: 'STRING_LIST', value: each })),
  fc.dictionary(fc.string(), fc.boolean()).map(
    (each): Value => ({
      type: 'MAP',
      value: new Map(Object.entries(each).map(([key, one]) => [key, { type: 'BOOL', value: one }])),
    }),
  ),
)

test('the read lane and plain ioredis make the same reply, byte for byte', async () => {
  await using redis = await startRedis()
  const project = `test_${randomUUID().replaceAll('-', '')}`
  const registry = createRegistry({
    project,
    entities: [{ name: 'driver', joinKey: 'driver', valueType: 'INT64', tags: {} }],
    views,
    services: [],
    pushSources: [],
  })
  const client = connectRedis(redis.url, () => {})
  await once(client, 'ready')
  const store = createRedisStore(client, project)
  const suffix = Buffer.from(project)
  const plain = createRedisReader(plainHashes(client, suffix))
  const nobody: HashSource = { fetch: () => Promise.reject(new Error('not the lane')) }
  const lane = createRedisReader(laneHashes(client, suffix, nobody, () => {}))
  const references = views.flatMap(({ name, features }) =>
    features.map((feature) => `${name}:${feature.name}`),
  )
  const plan = makePlan(registry, {
    features: references,
    featureService: undefined,
    fullFeatureNames: false,
  })
  await vi.waitFor(() => lane.readPacked([{ view: 'v', features: ['a'], keys: [suffix] }], signal))

  let instant = NOW - 120_000
  const write = fc.record({
    driver: fc.nat(5),
    view: fc.nat(VIEWS - 1),
    values: fc.dictionary(fc.constantFrom(...FEATURES), value),
  })
  const serving = fc.constantFrom('mark', 'enforce', 'strict' as const)
  const drivers = fc.array(fc.nat(8), { minLength: 1, maxLength: 30 })
  const property = fc.asyncProperty(
    fc.array(write, { maxLength: 12 }),
    drivers,
    serving,
    async (writes, asked, mode) => {
      for (const { driver, view, values } of writes) {
        instant += 500.125
        const key = entityKey([['driver', { type: 'INT64', value: BigInt(driver) }]])
        const named = Object.entries(values).map(([name, one]) => [`${name}_${view}`, one] as const)
        const row = { entityKey: key, eventTimestamp: instant, values: new Map(named) }
        await store.write(`view_${view}`, [row], signal)
      }
      const rows = readEntityRows(plan, { driver: asked }, mode)
      const reads = keyedReads(plan, rows, mode)
      const [ours, theirs] = await Promise.all(
        [lane, plain].map(async (reader) => {
          const stored = await reader.readPacked(reads, signal)
          const input = { plan, rows, reads, stored, now: NOW, serving: mode, viewMetadata: true }
          return writeReply(input).body.toString()
        }),
      )
      expect(ours).toBe(theirs)
    },
  )
  await fc.assert(property, { numRuns: 80 })
  client.disconnect()
})
