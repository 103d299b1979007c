import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FeatureView } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import type { ValueType } from '@usdcop/feast/wire/value'
import { createMaterializer } from '@usdcop/offline-store/materialize/materializer'
import { runFeast } from '@usdcop/tests/support/feast-forks'
import { startOwnRedis } from '@usdcop/tests/support/redis'
import { expect, onTestFinished, test } from 'vitest'

const script = fileURLToPath(new URL('materialize.py', import.meta.url))

const FEATURES: Readonly<Record<string, ValueType>> = {
  conv_rate: 'DOUBLE',
  small: 'FLOAT',
  trips: 'INT64',
  grade: 'INT32',
  active: 'BOOL',
  note: 'STRING',
  raw: 'BYTES',
  seen: 'UNIX_TIMESTAMP',
  scores: 'DOUBLE_LIST',
  ids: 'INT64_LIST',
  words: 'STRING_LIST',
}

const DAY = 86_400_000
const START = Date.UTC(2026, 0, 1)

test('leaves the very bytes in Redis that Feast leaves', async ({ signal }) => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-materialize-'))
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }))
  await using redis = await startOwnRedis()
  const { host } = new URL(redis.url)
  await runFeast([script, folder, host, 'theirs'], signal)

  const client = connectRedis(redis.url, () => {})
  onTestFinished(() => client.disconnect())
  const registry = createRegistry({
    project: 'ours',
    entities: [
      { name: 'driver', joinKey: 'driver', valueType: 'INT64', tags: {} },
      { name: 'city', joinKey: 'city', valueType: 'STRING', tags: {} },
    ],
    views: [view('one', ['driver']), view('two', ['driver', 'city']), view('none', [])],
    services: [],
    pushSources: [],
  })
  const materializer = createMaterializer({
    registry: { read: async () => registry, recordMaterialization: async () => {} },
    store: createRedisStore(client, 'ours'),
    clock: { now: () => START + 400 * DAY },
    directory: folder,
  })
  const window = { start: START + DAY, end: START + 9 * DAY }
  const job = { views: undefined, ...window, ignoreEventTimestamps: false }
  const done = await materializer.run(job, signal)
  expect(done.map(({ rows }) => rows > 0)).toEqual([true, true, true])

  const theirs = await hashes('theirs')
  const ours = await hashes('ours')
  expect(theirs.size).toBeGreaterThan(1_000)
  expect(ours).toEqual(theirs)

  /** Every hash of a project, by its entity key, which a project's name follows. */
  async function hashes(project: string): Promise<Map<string, Readonly<Record<string, string>>>> {
    const found = new Map<string, Readonly<Record<string, string>>>()
    for (const key of await client.keysBuffer(`*${project}`)) {
      const reply = (await client.callBuffer('HGETALL', key)) as Buffer[]
      const texts = reply.map((each) => each.toString('hex'))
      const pairs = texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? '']] : []))
      const entity = key.subarray(0, key.length - project.length).toString('hex')
      found.set(entity, Object.fromEntries(pairs) as Record<string, string>)
    }
    return found
  }
})

function view(name: string, entities: readonly string[]): FeatureView {
  return {
    name,
    entities,
    features: Object.entries(FEATURES).map(([feature, valueType]) => ({
      name: feature,
      valueType,
    })),
    ttlMs: 0,
    pushSource: undefined,
    tags: {},
    batchSource: {
      name: 'history',
      kind: 'BATCH_FILE',
      path: 'history.parquet',
      timestampField: 'happened',
      createdTimestampField: 'made',
      fieldMapping: { rate: 'conv_rate' },
      tags: {},
    },
  }
}
