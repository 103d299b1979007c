import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { FeatureView, Interval, Registry } from '@usdcop/feast/registry/definitions'
import type { MaterializationJob } from '@usdcop/feast/registry/materialization'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { DUMMY_JOIN_KEY, DUMMY_VALUE, entityKey } from '@usdcop/feast/wire/entity-key'
import { describe, expect, test } from 'vitest'
import { createMaterializer, type MaterializerDeps } from '../../src/materialize/materializer.ts'
import { copyToParquet, openDuckdb } from '../../src/parquet.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const NOW = Date.UTC(2026, 0, 10)
const DAY = 86_400_000
const day = (n: number): number => Date.UTC(2026, 0, n)
const { signal } = new AbortController()

const ROWS = `(values
  (1::bigint, timestamp '2026-01-02', timestamp '2026-01-02', 1.5::double, 'old', [1, 2]::bigint[]),
  (1, timestamp '2026-01-03', timestamp '2026-01-03', 2.5, 'first', [3]),
  (1, timestamp '2026-01-03', timestamp '2026-01-04', 3.5, 'corrected', []),
  (2, timestamp '2026-01-05', timestamp '2026-01-05', 'nan'::double, null, null),
  (3, timestamp '2026-01-06 00:00:00.000001', timestamp '2026-01-06', 9.0, 'after', [1]),
  (4, null, null, 9.0, 'never', [1])
) t(driver, happened, made, rate, note, trips)`

const VIEW: FeatureView = {
  name: 'drivers',
  entities: ['driver'],
  features: [
    { name: 'conv_rate', valueType: 'FLOAT' },
    { name: 'note', valueType: 'STRING' },
    { name: 'trips', valueType: 'INT64_LIST' },
  ],
  ttlMs: 0,
  pushSource: undefined,
  tags: {},
  batchSource: {
    name: 'history',
    kind: 'BATCH_FILE',
    path: 'history',
    timestampField: 'happened',
    createdTimestampField: 'made',
    fieldMapping: { rate: 'conv_rate' },
    tags: {},
  },
}

const JOB: MaterializationJob = {
  views: ['drivers'],
  start: day(1),
  end: day(6),
  ignoreEventTimestamps: false,
}

describe('a materialization', () => {
  test('writes the newest row of each entity, both ends of the window included', async () => {
    await using platform = await open(VIEW)
    const done = await platform.materializer.run({ ...JOB, start: day(3), end: day(5) }, signal)
    expect(done).toEqual([{ view: 'drivers', start: day(3), end: day(5), rows: 2, older: 0 }])
    expect(await platform.row(1n)).toEqual({
      eventTimestamp: day(3),
      values: [
        { type: 'FLOAT', value: 3.5 },
        { type: 'STRING', value: 'corrected' },
        { type: 'INT64_LIST', value: [] },
      ],
    })
    expect(await platform.row(2n)).toEqual({ eventTimestamp: day(5), values: [null, null, null] })
    expect(await platform.row(3n)).toBeUndefined()
    expect(await platform.row(4n)).toBeUndefined()
  })

  test('finds the same rows of a history that it reads in many passes', async () => {
    await using platform = await open(VIEW, undefined, { rowsAPass: 1 })
    const [done] = await platform.materializer.run({ ...JOB, end: NOW }, signal)
    expect(done).toMatchObject({ rows: 3, older: 0 })
    expect((await platform.row(1n))?.values[1]).toEqual({ type: 'STRING', value: 'corrected' })
  })

  test('counts the rows that the store holds already', async () => {
    await using platform = await open(VIEW)
    await platform.materializer.run(JOB, signal)
    const [again] = await platform.materializer.run(JOB, signal)
    expect(again).toMatchObject({ rows: 2, older: 2 })
  })

  test('takes every row with a time where the event times are ignored, and keeps those', async () => {
    await using platform = await open(VIEW)
    const job = { ...JOB, start: day(9), end: NOW, ignoreEventTimestamps: true }
    const [done] = await platform.materializer.run(job, signal)
    expect(done).toMatchObject({ start: 0, rows: 3 })
    expect((await platform.row(3n))?.eventTimestamp).toBe(day(6) + 0.001)
  })

  test('writes one row of a view without entities', async () => {
    await using platform = await open({ ...VIEW, entities: [] })
    const [done] = await platform.materializer.run({ ...JOB, end: day(7) }, signal)
    expect(done?.rows).toBe(1)
    const key = entityKey([[DUMMY_JOIN_KEY, DUMMY_VALUE]])
    expect((await platform.stored(key))?.values[1]).toEqual({ type: 'STRING', value: 'after' })
  })

  test('goes on from the last interval, and never beyond now', async () => {
    const intervals = [
      { start: day(1), end: day(4) },
      { start: day(1), end: day(2) },
    ]
    await using platform = await open({ ...VIEW, intervals })
    const job = { ...JOB, start: undefined, end: NOW + 9 * DAY }
    const [done] = await platform.materializer.run(job, signal)
    expect(done).toMatchObject({ start: day(4), end: NOW, rows: 2 })
    expect(platform.recorded).toEqual([['drivers', { start: day(4), end: NOW }]])
  })

  test.each([
    { ttlMs: 2 * DAY, start: NOW - 2 * DAY },
    { ttlMs: 0, start: NOW - 364 * DAY },
  ])('begins a first increment at $start where rows live $ttlMs ms', async ({ ttlMs, start }) => {
    await using platform = await open({ ...VIEW, ttlMs })
    const [done] = await platform.materializer.run({ ...JOB, start: undefined, end: NOW }, signal)
    expect(done).toMatchObject({ start, end: NOW })
  })

  test('reads to the end it was given, and records no end that is still to come', async () => {
    await using platform = await open(VIEW)
    const [done] = await platform.materializer.run({ ...JOB, end: NOW + DAY }, signal)
    expect(done?.end).toBe(NOW + DAY)
    expect(platform.recorded).toEqual([['drivers', { start: day(1), end: NOW }]])
  })

  test('lets one run at a time have a view', async () => {
    await using platform = await open(VIEW)
    const first = platform.materializer.run(JOB, signal)
    await expect(platform.materializer.run(JOB, signal)).rejects.toMatchObject({ code: 'conflict' })
    await first
    await expect(platform.materializer.run(JOB, signal)).resolves.toHaveLength(1)
  })

  test('writes no more rows at once than it may', async () => {
    const many = 'select unnest(range(50)) * 10 + driver as driver, * exclude (driver)'
    await using platform = await open(VIEW, many, { rowsAWrite: 7 })
    const told: number[] = []
    const onProgress = ({ rows }: { readonly rows: number }) => told.push(rows)
    await platform.materializer.run({ ...JOB, end: NOW }, signal, onProgress)
    expect(told.at(-1)).toBe(150)
    const writes = told.slice(1).map((rows, i) => rows - (told[i] as number))
    expect(Math.max(...writes)).toBe(7)
  })

  test('takes turns with a run of another view, which may leave while it waits', async () => {
    await using platform = await open(VIEW, undefined, {}, ['others', 'last'])
    const told: string[] = []
    const run = async (view: string, until: AbortSignal) =>
      await platform.materializer.run({ ...JOB, views: [view] }, until, (progress) => {
        told.push(progress.view)
      })
    const leaving = new AbortController()
    const [first, second, third] = [
      run('drivers', signal),
      run('others', leaving.signal),
      run('last', signal),
    ]
    const reason = new Error('no more patience')
    leaving.abort(reason)
    await expect(second).rejects.toBe(reason)
    expect((await Promise.all([first, third])).flat().map(({ rows }) => rows)).toEqual([2, 2])
    expect(told).toEqual(told.toSorted())
    expect(new Set(told)).toEqual(new Set(['drivers', 'last']))
  })

  test('ends with the reason of its signal, and records nothing', async () => {
    await using platform = await open(VIEW)
    const abort = new AbortController()
    const reason = new Error('enough')
    const run = platform.materializer.run(JOB, abort.signal, () => abort.abort(reason))
    await expect(run).rejects.toBe(reason)
    expect(platform.recorded).toEqual([])
  })
})

describe('a materialization is refused', () => {
  const source = VIEW.batchSource as NonNullable<FeatureView['batchSource']>
  const [feature] = VIEW.features
  test.each<[string, FeatureView, string, RegExp]>([
    [
      'for a source that is no file',
      withSource({ kind: 'BATCH_BIGQUERY' }),
      'not_supported',
      /BIGQUERY/,
    ],
    ['for a file far away', withSource({ path: 's3://bucket/x' }), 'not_supported', /s3:/],
    [
      'for a file that is missing',
      withSource({ path: 'none.parquet' }),
      'store_unavailable',
      /drivers/,
    ],
    [
      'for a column that is missing',
      withSource({ fieldMapping: {} }),
      'invalid_request',
      /conv_rate/,
    ],
    [
      'for a time that is none',
      withSource({ timestampField: 'note' }),
      'invalid_request',
      /no time/,
    ],
    [
      'for a view that is not online',
      { ...VIEW, online: false },
      'invalid_request',
      /not configured/,
    ],
    [
      'for a type that Parquet does not hold so',
      { ...VIEW, features: [{ ...feature, name: 'note', valueType: 'INT64' }] },
      'not_supported',
      /INT64.*VARCHAR/,
    ],
  ])('%s', async (_name, view, code, message) => {
    await using platform = await open(view)
    const run = platform.materializer.run(JOB, signal)
    await expect(run).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
    expect(platform.recorded).toEqual([])
  })

  test('for a version', async () => {
    await using platform = await open(VIEW)
    await expect(platform.materializer.run({ ...JOB, version: 1 }, signal)).rejects.toMatchObject({
      code: 'not_supported',
      message: 'earlier versions of a view are not materialized here',
    })
  })

  test('for a row without its join key', async () => {
    await using platform = await open(VIEW, `select * replace (nullif(driver, 2) as driver)`)
    await expect(platform.materializer.run(JOB, signal)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining("without its join key 'driver'"),
    })
  })

  function withSource(changes: Partial<typeof source>): FeatureView {
    return { ...VIEW, batchSource: { ...source, ...changes } }
  }
})

async function open(
  view: FeatureView,
  select = 'select *',
  limits: Pick<MaterializerDeps, 'rowsAPass' | 'rowsAWrite'> = {},
  alsoNamed: readonly string[] = [],
) {
  const directory = await temporaryDirectory()
  await writeHistory(directory.path, select)
  const registry: Registry = createRegistry({
    project: 'test',
    entities: [{ name: 'driver', joinKey: 'driver', valueType: 'INT64', tags: {} }],
    views: [view, ...alsoNamed.map((name) => ({ ...view, name }))],
    services: [],
    pushSources: [],
  })
  const store = openLmdbStore(join(directory.path, 'online'), 'test')
  const recorded: (readonly [string, Interval])[] = []
  const materializer = createMaterializer({
    registry: {
      read: async () => registry,
      async recordMaterialization(name, interval) {
        recorded.push([name, interval])
      },
    },
    store,
    clock: { now: () => NOW },
    directory: directory.path,
    ...limits,
  })
  const stored = async (key: Buffer) => {
    const features = view.features.map(({ name }) => name)
    return (await store.read([{ view: view.name, features, keys: [key] }], signal))[0]?.[0]
  }
  return {
    materializer,
    recorded,
    stored,
    row: async (value: bigint) => await stored(entityKey([['driver', { type: 'INT64', value }]])),
    async [Symbol.asyncDispose]() {
      await store.close()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Two files in a folder, to be read as one. */
async function writeHistory(directory: string, select: string): Promise<void> {
  using duckdb = await openDuckdb()
  const { connection } = duckdb
  const folder = join(directory, 'history')
  await connection.run(`create table t as ${select} from ${ROWS}`)
  await mkdir(folder)
  for (const odd of [0, 1])
    await copyToParquet(
      connection,
      `select * from t where coalesce(driver, 0) % 2 = ${odd}`,
      join(folder, `${odd}.parquet`),
    )
}
