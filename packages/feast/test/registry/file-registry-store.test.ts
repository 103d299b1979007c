import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { writeRegistryMessage } from '../../src/proto/registry-message.ts'
import { openFileRegistry } from '../../src/registry/file-registry-store.ts'
import { parseRegistry } from '../../src/registry/registry-file.ts'
import type { RegistryStore } from '../../src/registry/registry-store.ts'
import { fieldsOf, history, shop } from './shop.ts'
import { keepsVersions } from './view-versions-contract.ts'

const NOW = Date.UTC(2026, 0, 2)
let path: string

beforeEach(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-registry-'))
  path = join(directory, 'data/registry.db')
  onTestFinished(async () => await rm(directory, { recursive: true }))
})

const open = (project = 'shop', now = NOW): RegistryStore =>
  openFileRegistry({ path, onlineVersioning: false }, project, () => now)

test('reads back what it applied', async ({ signal }) => {
  const store = open()
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
  const batchSource = history
  expect([...registry.entities.values()]).toEqual([{ ...defined.entities[0], ...times }])
  expect([...registry.views.values()]).toEqual(
    defined.views
      .map((view) => ({ ...view, batchSource, ...times }))
      .map((view) => ({ ...view, history: new Map([[0, view]]) })),
  )
  expect([...registry.services.values()]).toEqual([{ ...defined.services[0], ...times }])
  expect([...registry.pushSources.values()]).toEqual([{ ...defined.pushSources[0], ...times }])
  expect(registry.permissions).toEqual([{ ...defined.permissions?.[0], ...times }])
})

test('keeps a version of a view for each schema that it had, as Feast counts them', async ({
  signal,
}) => {
  expect.hasAssertions()
  await keepsVersions(() => open(), signal)
})

test('is the same object until something changes', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const registry = await store.read(signal)
  expect(await store.read(signal)).toBe(registry)
  await open().recordMaterialization('stats', { start: 1, end: 2 }, signal)
  expect(await store.read(signal)).not.toBe(registry)
})

test('plans what it would do, and leaves the file alone', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const before = await readFile(path)
  const { views, ...rest } = shop()
  const [stats] = views
  const changed = { ...rest, services: [], views: [{ ...stats!, tags: { meta: 'another' } }] }
  const planned = (await store.plan(changed, signal)).filter(({ change }) => change !== 'unchanged')
  expect(planned).toEqual([
    { kind: 'FeatureView', name: 'stats', change: 'updated' },
    { kind: 'FeatureView', name: 'nobody', change: 'deleted' },
    { kind: 'FeatureService', name: 'model', change: 'deleted' },
  ])
  expect(await readFile(path)).toEqual(before)
  const again = await store.plan(shop(), signal)
  expect(again.filter(({ change }) => change !== 'unchanged')).toEqual([])
})

test('keeps what was materialized when a view is applied anew', async ({ signal }) => {
  await open().apply(shop(), signal)
  await open().recordMaterialization('stats', { start: 1_000, end: 2_000 }, signal)
  await open().recordMaterialization('stats', { start: 2_000, end: 3_000 }, signal)
  const { views, ...rest } = shop()
  const later = views.map((view) => ({ ...view, ttlMs: 60_000 }))
  await open('shop', NOW + 1_000).apply({ ...rest, views: later }, signal)
  expect((await open().read(signal)).views.get('stats')).toMatchObject({
    ttlMs: 60_000,
    intervals: [
      { start: 1_000, end: 2_000 },
      { start: 2_000, end: 3_000 },
    ],
    createdAt: NOW,
    updatedAt: NOW + 1_000,
  })
})

test('takes a view of before there was a history for its first version', async ({ signal }) => {
  const { views, ...rest } = shop()
  await open().apply(shop(), signal)
  const message = parseRegistry(await readFile(path))
  delete message.featureViewVersionHistory
  await writeFile(path, writeRegistryMessage(message))
  const [stats, ...others] = views
  const changed = [{ ...stats!, features: fieldsOf('rate') }, ...others]
  await open().apply({ ...rest, services: [], views: changed }, signal)
  const { version, history } = (await open().read(signal)).views.get('stats') ?? {}
  expect(version).toBe(1)
  expect([...(history ?? [])].map(([number, { features }]) => [number, features[0]?.name])).toEqual(
    [
      [0, 'conv_rate'],
      [1, 'rate'],
    ],
  )
})

test('leaves another project byte for byte', async ({ signal }) => {
  await open('bank').apply(shop('bank'), signal)
  const alone = await readFile(path)
  await open().apply(shop(), signal)
  await open().recordMaterialization('stats', { start: 1, end: 2 }, signal)
  await open().deleteProject(signal)
  // Which write it was and when is all that differs.
  const registry = await open('bank').read(signal)
  await writeFile(path, alone)
  expect(registry).toEqual(await open('bank').read(signal))
  expect((await open('shop').read(signal)).views.size).toBe(0)
  expect(await readdir(join(path, '..'))).toEqual(['registry.db'])
})

test('lets no write of several at once be lost', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const starts = Array.from({ length: 20 }, (_, start) => start)
  await Promise.all(
    starts.map(async (start) => {
      await store.recordMaterialization('stats', { start, end: start + 1 }, signal)
    }),
  )
  const { intervals } = (await store.read(signal)).views.get('stats') ?? {}
  expect(intervals?.map(({ start }) => start)).toEqual(starts)
})

test('lets no write of two programs at once be lost', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  const writer = fileURLToPath(new URL('materialize-often.ts', import.meta.url))
  const write = promisify(execFile)
  await Promise.all([
    write(process.execPath, [writer, path, '0', '40'], { signal }),
    write(process.execPath, [writer, path, '100', '40'], { signal }),
  ])
  const { intervals = [] } = (await store.read(signal)).views.get('stats') ?? {}
  const starts = intervals.map(({ start }) => start).sort((a, b) => a - b)
  const each = Array.from({ length: 40 }, (_, start) => start)
  expect(starts).toEqual([...each, ...each.map((start) => start + 100)])
  expect(await readdir(dirname(path))).toEqual(['registry.db'])
})

test('puts a view that has changed last, as Feast does', async ({ signal }) => {
  const store = open()
  await store.apply(shop(), signal)
  await store.recordMaterialization('stats', { start: 1, end: 2 }, signal)
  expect([...(await store.read(signal)).views.keys()]).toEqual(['nobody', 'stats'])
})

test('ends the wait for its turn when told to', async () => {
  const store = open()
  const asked = new AbortController()
  await store.apply(shop(), asked.signal)
  await writeFile(`${path}.lock`, '')
  const waiting = store.deleteProject(asked.signal)
  asked.abort()
  await expect(waiting).rejects.toThrow('abort')
  expect(await readdir(dirname(path))).toEqual(['registry.db', 'registry.db.lock'])
})

test('says what it cannot use', async ({ signal }) => {
  await expect(open().read(signal)).rejects.toMatchObject({ code: 'config_invalid' })
  await open().apply(shop(), signal)
  await expect(
    open().recordMaterialization('nothing', { start: 1, end: 2 }, signal),
  ).rejects.toMatchObject({ code: 'feature_view_unknown' })
  const inTypeScript = {
    name: 'computed',
    features: [{ name: 'x', valueType: 'DOUBLE' as const }],
    projections: [],
    requestSources: [],
    mode: 'typescript' as const,
    transform: () => ({}),
    tags: {},
  }
  const definitions = { ...shop(), onDemandViews: [inTypeScript] }
  await expect(open().apply(definitions, signal)).rejects.toMatchObject({
    code: 'not_supported',
    message: expect.stringContaining('computed'),
  })
  await writeFile(path, 'no registry at all')
  await expect(open().read(signal)).rejects.toMatchObject({ code: 'config_invalid' })
})
