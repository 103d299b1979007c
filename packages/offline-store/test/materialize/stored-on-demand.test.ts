import { join } from 'node:path'
import type { FeatureView, OnDemandView } from '@usdcop/feast/registry/definitions'
import type { MaterializationJob } from '@usdcop/feast/registry/materialization'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import type { Value, ValueType } from '@usdcop/feast/wire/value'
import { expect, onTestFinished, test } from 'vitest'
import { createMaterializer, type MaterializerDeps } from '../../src/materialize/materializer.ts'
import { copyToParquet, openDuckdb } from '../../src/parquet.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const day = (n: number): number => Date.UTC(2026, 0, n)
const DAY = 86_400_000
const NOW = day(20)

const RIDES = `(values
  (1::bigint, 'mx', timestamp '2026-01-02', 1, 1.5::double),
  (1, 'mx', timestamp '2026-01-05', 2, 0.3),
  (1, 'mx', timestamp '2026-01-05', 1, 9.0),
  (1, 'mx', timestamp '2026-01-09', 1, 9.0),
  (2, 'mx', timestamp '2026-01-04', 1, 2.5),
  (2, 'co', timestamp '2026-01-01', 1, 4.5)
) t(driver, city, happened, made_at, rate)`

const GRADES = `(values
  ('mx', 1::bigint, timestamp '2026-01-03', 10::bigint),
  ('mx', 1, timestamp '2026-01-08', 99),
  ('mx', 2, timestamp '2025-12-01', 20),
  ('co', 3, timestamp '2026-01-06', 30)
) t(city, driver, "when", grade)`

const viewOf = (
  name: string,
  entities: readonly string[],
  timestampField: string,
  features: FeatureView['features'],
  created = {},
): FeatureView => ({
  name,
  entities,
  features,
  ttlMs: 7 * DAY,
  pushSource: undefined,
  tags: {},
  batchSource: {
    name,
    kind: 'BATCH_FILE',
    path: `${name}.parquet`,
    timestampField,
    ...created,
    tags: {},
  },
})

const textOf = (value: Value | undefined): string =>
  typeof value?.value === 'bigint' ? String(value.value) : ''
const double = (value: number): Value => ({ type: 'DOUBLE', value })

const SCORED: OnDemandView = {
  name: 'scored',
  features: [
    { name: 'score', valueType: 'DOUBLE' },
    { name: 'took', valueType: 'STRING' },
  ],
  projections: [
    { view: 'rides', features: ['rate'] },
    { view: 'grades', features: ['grade'] },
  ],
  requestSources: [],
  mode: 'typescript',
  writeToOnlineStore: true,
  entities: ['driver', 'city'],
  tags: {},
  transform: ({ rate, grades__grade: grade, event_timestamp: at, driver }) => ({
    score: rate?.type === 'FLOAT' ? double(rate.value * 10) : null,
    took: { type: 'STRING', value: [grade, at, driver].map(textOf).join(' ') },
  }),
}

const JOB: MaterializationJob = {
  views: ['scored'],
  start: day(2),
  end: day(7),
  ignoreEventTimestamps: false,
}

test.for([{ rowsAPass: 1_000_000 }, { rowsAPass: 1 }])(
  'computes of each entity from the newest rows of its sources, $rowsAPass at once',
  async ({ rowsAPass }, { signal }) => {
    const opened = await open([SCORED], { rowsAPass })
    const row = async (driver: bigint, city: string) => await opened.row(driver, city)
    const done = await opened.materializer.run(JOB, signal)
    expect(done).toEqual([{ view: 'scored', start: day(2), end: day(7), rows: 3, older: 0 }])
    // Of two rows of one instant the later made, unrounded; a grade of five weeks ago is too old.
    expect(await row(1n, 'mx')).toEqual([
      double(3),
      { type: 'STRING', value: `10 ${day(5) / 1_000} 1` },
      { type: 'INT64', value: 1n },
      { type: 'STRING', value: 'mx' },
      NOW,
    ])
    expect((await row(2n, 'mx'))?.slice(0, 2)).toEqual([
      double(25),
      { type: 'STRING', value: ` ${day(4) / 1_000} 2` },
    ])
    expect((await row(3n, 'co'))?.[0]).toBeNull()
    expect(await row(2n, 'co')).toBeUndefined()
    expect(opened.recorded).toEqual([])
  },
)

test('begins every increment as far back as its sources may be served', async ({ signal }) => {
  const { materializer } = await open([SCORED])
  const increment = { ...JOB, start: undefined, end: NOW + DAY }
  for (const _ of [1, 2]) {
    const [done] = await materializer.run(increment, signal)
    expect(done).toMatchObject({ start: NOW - 7 * DAY, end: NOW, rows: 0 })
  }
})

test('computes from all there is where event times are ignored', async ({ signal }) => {
  const { materializer } = await open([SCORED])
  const [done] = await materializer.run({ ...JOB, ignoreEventTimestamps: true }, signal)
  expect(done).toMatchObject({ start: 0, rows: 4 })
})

const { transform: _gone, ...rest } = SCORED
const IN_PYTHON: OnDemandView = { ...rest, name: 'in_python', mode: 'python' }

test('passes over a view that cannot be computed here unless it is named', async ({ signal }) => {
  const { materializer } = await open([
    IN_PYTHON,
    SCORED,
    { ...SCORED, name: 'x', projections: [] },
  ])
  const done = await materializer.run({ ...JOB, views: undefined }, signal)
  expect(done.map(({ view }) => view)).toEqual(['rides', 'grades', 'scored'])
  await expect(materializer.run({ ...JOB, views: ['in_python'] }, signal)).rejects.toMatchObject({
    code: 'not_supported',
    message: expect.stringContaining("'in_python'"),
  })
})

async function open(
  onDemandViews: readonly OnDemandView[],
  limits: Pick<MaterializerDeps, 'rowsAPass'> = {},
) {
  const directory = await temporaryDirectory()
  onTestFinished(async () => await directory[Symbol.asyncDispose]())
  using duckdb = await openDuckdb()
  for (const [name, rows] of [
    ['rides', RIDES],
    ['grades', GRADES],
  ] as const)
    await copyToParquet(
      duckdb.connection,
      `select * ${name === 'rides' ? 'replace (happened + interval 1 hour * made_at as made_at)' : ''} from ${rows}`,
      join(directory.path, `${name}.parquet`),
    )
  const entity = (name: string, valueType: 'INT64' | 'STRING') => ({
    name,
    joinKey: name,
    valueType,
    tags: {},
  })
  const feature = (name: string, valueType: ValueType) => [{ name, valueType }]
  const registry = createRegistry({
    project: 'test',
    entities: [entity('driver', 'INT64'), entity('city', 'STRING')],
    views: [
      viewOf('rides', ['driver', 'city'], 'happened', feature('rate', 'FLOAT'), {
        createdTimestampField: 'made_at',
      }),
      viewOf('grades', ['city', 'driver'], 'when', feature('grade', 'INT64')),
    ],
    services: [],
    pushSources: [],
    onDemandViews,
  })
  const store = openLmdbStore(join(directory.path, 'online'), 'test')
  onTestFinished(async () => await store.close())
  const recorded: string[] = []
  const materializer = createMaterializer({
    registry: {
      read: async () => registry,
      async recordMaterialization(name) {
        recorded.push(name)
      },
    },
    store,
    clock: { now: () => NOW },
    directory: directory.path,
    ...limits,
  })
  return {
    materializer,
    recorded,
    async row(driver: bigint, city: string): Promise<readonly unknown[] | undefined> {
      const key = entityKey([
        ['driver', { type: 'INT64', value: driver }],
        ['city', { type: 'STRING', value: city }],
      ])
      const features = ['score', 'took', 'driver', 'city']
      const { signal } = new AbortController()
      const found = (await store.read([{ view: 'scored', features, keys: [key] }], signal))[0]?.[0]
      return found && [...found.values, found.eventTimestamp]
    },
  }
}
