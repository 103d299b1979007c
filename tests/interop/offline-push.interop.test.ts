import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BatchSource, FeatureView } from '@usdcop/feast/registry/definitions'
import { openFileRegistry } from '@usdcop/feast/registry/file-registry-store'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import { offlineColumns } from '@usdcop/feature-server/offline-columns'
import { createOfflineWriter } from '@usdcop/offline-store/append/offline-writer'
import { createMaterializer } from '@usdcop/offline-store/materialize/materializer'
import { runFeast } from '@usdcop/tests/support/feast-forks'
import { expect, onTestFinished, test } from 'vitest'

const script = fileURLToPath(new URL('offline_push.py', import.meta.url))

test('Feast and pandas read what is appended here, and what Feast appends is read here', async ({
  signal,
}) => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-offline-push-'))
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }))
  const feast = async (verb: string) => await runFeast([script, verb, folder], signal)
  await feast('make')

  const path = join(folder, 'registry.db')
  const kept = openFileRegistry({ path, onlineVersioning: false }, 'pushed', Date.now)
  const registry = await kept.read(signal)
  const writer = createOfflineWriter(folder)
  for (const name of ['single', 'many']) {
    const view = registry.views.get(name) as FeatureView
    const columns = offlineColumns(registry, view, {
      driver: [2],
      happened: ['2026-01-01T02:00:00.000001Z'],
      made: ['2026-01-01T02:00:00Z'],
      rate: [0.5],
      trips: [2n ** 53n + 2n],
      note: ['nota ñ 2'],
      ...(name === 'many' && { words: [['a', '2']] }),
    })
    await writer.append(view, view.batchSource as BatchSource, columns, signal)
  }
  // Feast cannot do the second of these itself.
  expect(JSON.parse(await feast('push'))).not.toBeNull()

  const joined = [1, 2, 3].map((driver) => [
    driver,
    driver / 4,
    2 ** 53 + driver,
    `nota ñ ${driver}`,
  ])
  const words = joined.map((row) => [...row, ['a', `${row[0]}`]])
  const nothing = [3, null, null, null, null]
  const types = {
    driver: 'int64',
    happened: 'datetime64[ns, UTC]',
    made: 'datetime64[ns, UTC]',
    rate: 'float64',
    trips: 'int64',
    note: 'object',
  }
  const times = ['2026-01-01T01:00:00.000000001+00:00', '2026-01-01T02:00:00.000001+00:00']
  const told = JSON.parse(await feast('read'))
  expect(told.single).toEqual({ joined, types, times: [...times, '2026-01-01T03:00:00+00:00'] })
  expect(told.many).toEqual({
    joined: [words[0], words[1], nothing],
    types: { ...types, words: 'object' },
    times,
  })

  const store = openLmdbStore(join(folder, 'lmdb'), 'pushed')
  onTestFinished(() => store.close())
  const deps = { registry: kept, store, clock: { now: () => Date.UTC(2026, 1, 1) } }
  const materializer = createMaterializer({ ...deps, directory: folder })
  const window = { start: Date.UTC(2026, 0, 1), end: Date.UTC(2026, 1, 1) }
  const job = { views: ['single', 'many'], ...window, ignoreEventTimestamps: false }
  expect((await materializer.run(job, signal)).map(({ rows }) => rows)).toEqual([3, 2])
  const key = entityKey([['driver', { type: 'INT64', value: 3n }]])
  const [[row] = []] = await store.read(
    [{ view: 'single', features: ['rate', 'trips', 'note'], keys: [key] }],
    signal,
  )
  expect(row).toEqual({
    eventTimestamp: Date.UTC(2026, 0, 1, 3),
    values: [
      { type: 'DOUBLE', value: 0.75 },
      { type: 'INT64', value: 2n ** 53n + 3n },
      { type: 'STRING', value: 'nota ñ 3' },
    ],
  })
})
