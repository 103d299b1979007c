import { startPostgres } from '@usdcop/tests/support/postgres'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { parsePostgresUrl } from '../../src/config/postgres-url.ts'
import type { RegistryStore } from '../../src/registry/registry-store.ts'
import { openSqlRegistry } from '../../src/registry/sql/store.ts'
import { history, shop } from './shop.ts'
import { keepsVersions } from './view-versions-contract.ts'

const NOW = Date.UTC(2026, 0, 2)
let postgres: Awaited<ReturnType<typeof startPostgres>>
let url: string

beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(async () => await postgres[Symbol.asyncDispose]())
beforeEach(async () => {
  url = await postgres.createDatabase()
})

function open(project = 'shop', now = NOW, more: object = {}): RegistryStore {
  const connection = parsePostgresUrl(url)
  const config = {
    type: 'sql' as const,
    connection,
    readConnection: connection,
    makesTables: true,
    keepsMetadata: true,
    onlineVersioning: false,
    ...more,
  }
  const store = openSqlRegistry(config, project, () => now)
  onTestFinished(async () => await store.close())
  return store
}

async function sql<R extends object>(text: string, params: readonly unknown[] = []): Promise<R[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<R>(text, [...params])).rows
  } finally {
    await client.end()
  }
}

test('reads back what it applied, and plans no change then', async ({ signal }) => {
  const store = open()
  expect((await store.plan(shop(), signal)).map(({ change }) => change)).toEqual(
    Array.from({ length: 8 }, () => 'created'),
  )
  const changes = await store.apply(shop(), signal)
  expect(changes.map(({ kind, name, change }) => `${change} ${kind} ${name}`)).toEqual([
    'created Project shop',
    'created DataSource history',
    'created DataSource push',
    'created Entity customer',
    'created FeatureView stats',
    'created FeatureView nobody',
    'created FeatureService model',
    'created Permission readers',
  ])
  const registry = await store.read(signal)
  const times = { createdAt: NOW, updatedAt: NOW }
  const defined = shop()
  expect([...registry.entities.values()]).toEqual([{ ...defined.entities[0], ...times }])
  expect([...registry.views.values()]).toEqual(
    defined.views
      .map((view) => ({ ...view, batchSource: history, ...times }))
      .map((view) => ({ ...view, history: new Map([[0, view]]) })),
  )
  expect([...registry.services.values()]).toEqual([{ ...defined.services[0], ...times }])
  expect(registry.permissions).toEqual([{ ...defined.permissions?.[0], ...times }])
  const again = await open('shop', NOW + 1_000).apply(shop(), signal)
  expect(again.filter(({ change }) => change !== 'unchanged')).toEqual([])
  expect(await store.read(signal)).toBe(registry)
})

test('keeps a version of a view for each schema that it had, as Feast counts them', async ({
  signal,
}) => {
  expect.hasAssertions()
  await keepsVersions(() => open(), signal)
})

test('is the same object until something of its project changes', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const registry = await store.read(signal)
  await open('bank').apply(shop('bank'), signal)
  expect(await store.read(signal)).toBe(registry)
  // In the same second, by Feast's clock.
  await open().recordMaterialization('stats', { start: 1, end: 2 }, signal)
  const later = await store.read(signal)
  expect(later).not.toBe(registry)
  // Nothing that is as it was is decoded again.
  expect(later.views.get('nobody')?.features).toBe(registry.views.get('nobody')?.features)
})

test('deletes what definitions no longer name, with its earlier versions', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const { views, ...rest } = shop()
  const [stats] = views
  const changed = { ...rest, services: [], views: [{ ...stats!, tags: { meta: 'another' } }] }
  const applied = (await store.apply(changed, signal)).filter(
    ({ change }) => change !== 'unchanged',
  )
  expect(applied).toEqual([
    { kind: 'FeatureView', name: 'stats', change: 'updated' },
    { kind: 'FeatureView', name: 'nobody', change: 'deleted' },
    { kind: 'FeatureService', name: 'model', change: 'deleted' },
  ])
  const registry = await store.read(signal)
  expect([...registry.views.keys()]).toEqual(['stats'])
  expect(
    await sql('select feature_view_name as name, version_number from feature_view_version_history'),
  ).toEqual([{ name: 'stats', version_number: 0 }])
})

test('keeps what was materialized, and columns that are not its own', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  await sql(`update feature_views set user_metadata = 'kept'`)
  await store.recordMaterialization('stats', { start: 1_000, end: 2_000 }, signal)
  await store.recordMaterialization('stats', { start: 2_000, end: 3_000 }, signal)
  const { views, ...rest } = shop()
  const later = views.map((view) => ({ ...view, ttlMs: 60_000 }))
  await open('shop', NOW + 1_000).apply({ ...rest, views: later }, signal)
  expect((await store.read(signal)).views.get('stats')).toMatchObject({
    ttlMs: 60_000,
    intervals: [
      { start: 1_000, end: 2_000 },
      { start: 2_000, end: 3_000 },
    ],
    createdAt: NOW,
    updatedAt: NOW + 1_000,
  })
  const rows = await sql('select user_metadata, last_updated_timestamp as at from feature_views')
  const kept = { user_metadata: Buffer.from('kept'), at: String(NOW / 1_000 + 1) }
  expect(rows).toEqual([kept, kept])
  const missing = store.recordMaterialization('nothing', { start: 1, end: 2 }, signal)
  await expect(missing).rejects.toMatchObject({ code: 'feature_view_unknown' })
})

test('leaves another project alone, row for row', async ({ signal }) => {
  const rows = async () => {
    const tables = ['projects', 'entities', 'feature_views', 'feature_services', 'feast_metadata']
    const found = tables.map((table) =>
      sql(`select *, xmin from ${table} where project_id = 'bank' order by 1, 2`),
    )
    return await Promise.all(found)
  }
  await open('bank').apply(shop('bank'), signal)
  const before = await rows()
  expect(before.flat()).toHaveLength(8)
  const store = open()
  await store.apply(shop(), signal)
  await store.recordMaterialization('stats', { start: 1, end: 2 }, signal)
  await store.deleteProject(signal)
  expect(await rows()).toEqual(before)
  expect((await store.read(signal)).views.size).toBe(0)
  expect(await sql(`select * from feast_metadata where project_id = 'shop'`)).toEqual([])
})

test('lets no write of several at once be lost', async ({ signal }) => {
  const stores = [open(), open(), open()]
  await stores[0]?.apply(shop(), signal)
  const starts = Array.from({ length: 15 }, (_, start) => start)
  await Promise.all(
    starts.map(async (start) => {
      const interval = { start, end: start + 1 }
      await stores[start % 3]?.recordMaterialization('stats', interval, signal)
    }),
  )
  const { intervals = [] } = (await open().read(signal)).views.get('stats') ?? {}
  expect(intervals.map(({ start }) => start).sort((a, b) => a - b)).toEqual(starts)
})

test('shows a reader the whole of an apply or nothing of it', async ({ signal }) => {
  const name = (round: number) => `stats_${round % 2}`
  const of = (round: number) => {
    const { views, services, ...rest } = shop()
    return {
      ...rest,
      views: [{ ...views[0]!, name: name(round) }],
      services: [{ ...services[0]!, projections: [{ view: name(round), features: [] }] }],
    }
  }
  const [writer, reader] = [open(), open()]
  await writer.apply(of(0), signal)
  let isDone = false
  let reads = 0
  const reading = (async () => {
    while (!isDone) {
      // A service whose view is not there would fail the reading.
      expect((await reader.read(signal)).views.size).toBe(1)
      reads += 1
    }
  })()
  for (let round = 1; round <= 20; round += 1) await writer.apply(of(round), signal)
  isDone = true
  await reading
  expect(reads).toBeGreaterThan(5)
})

test('leaves nothing of an apply that fails, and names a broken row', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  await sql(
    `update feature_views set feature_view_proto = '\\xff' where feature_view_name = 'stats'`,
  )
  const says = "the row 'stats' of the registry's table feature_views is no object of Feast"
  const broken = { code: 'config_invalid', message: says }
  await expect(open().read(signal)).rejects.toMatchObject(broken)
  await expect(open().readMessage(signal)).rejects.toMatchObject(broken)
  await expect(store.apply({ ...shop(), entities: [] }, signal)).rejects.toBeDefined()
  expect(await sql('select entity_name from entities')).toHaveLength(2)
})

test('ends the wait for its turn when told to, and goes on after it', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const holder = new pg.Client({ connectionString: url })
  await holder.connect()
  await holder.query("select pg_advisory_lock(hashtext('usdcop: registry of Feast'))")
  const asked = new AbortController()
  const waiting = store.deleteProject(asked.signal)
  const waits = `select from pg_locks where locktype = 'advisory' and not granted`
  await expect.poll(async () => await sql(waits)).toHaveLength(1)
  asked.abort()
  await expect(waiting).rejects.toThrow('abort')
  await holder.end()
  await store.recordMaterialization('stats', { start: 1, end: 2 }, signal)
  expect((await store.read(signal)).views.get('stats')?.intervals).toHaveLength(1)
})

test('says that there is no registry, and makes none where it may not', async ({ signal }) => {
  const none = { code: 'config_invalid', message: expect.stringContaining('there is no registry') }
  await expect(open().read(signal)).rejects.toMatchObject(none)
  await expect(open().deleteProject(signal)).rejects.toMatchObject(none)
  const bound = open('shop', NOW, { makesTables: false })
  await expect(bound.apply(shop(), signal)).rejects.toMatchObject(none)
  const bare = open('shop', NOW, { keepsMetadata: false })
  await bare.apply(shop(), signal)
  expect(await sql('select * from feast_metadata')).toEqual([])
})
