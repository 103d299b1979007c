import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { Definitions, Feature, Registry } from '@usdcop/feast/registry/definitions'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import type { RegistryStore } from '@usdcop/feast/registry/registry-store'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { buildApp } from '@usdcop/feature-server/app'
import { DEFAULT_LIMITS } from '@usdcop/feature-server/limits'
import { createKeyring, digestOf } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { feastCli, feastSays } from '@usdcop/tests/support/feast-cli'
import { runFeast } from '@usdcop/tests/support/feast-forks'
import { startPostgres } from '@usdcop/tests/support/postgres'
import { type OwnRedis, startOwnRedis } from '@usdcop/tests/support/redis'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { replyColumns } from './drop-in/reply-columns.ts'
import { startFeast } from './drop-in/servers.ts'

const WRITER = 'the-writer-of-the-tests'
const script = fileURLToPath(new URL('written_registry.py', import.meta.url))
const world = new AsyncDisposableStack()
let redis: OwnRedis
let database: string

beforeAll(async () => {
  redis = world.use(await startOwnRedis())
  database = await world.use(await startPostgres()).createDatabase()
})
afterAll(async () => await world.disposeAsync())

const REGISTRIES = [
  { kind: 'registry.db', section: () => 'path: registry.db' },
  {
    kind: 'tables in PostgreSQL',
    section: () =>
      `registry_type: sql, path: '${database.replace(/^postgres(?:ql)?:/, 'postgresql+psycopg:')}'`,
  },
]

const yaml = (section: string) => `project: written
provider: local
registry: {${section}, cache_ttl_seconds: 1, enable_online_feature_view_versioning: true}
offline_store: {type: dask}
online_store: {type: redis, connection_string: '${new URL(redis.url).host}'}
entity_key_serialization_version: 3
`

const rate: Feature = { name: 'rate', valueType: 'DOUBLE', description: 'a share' }
const trips: Feature = { name: 'trips', valueType: 'INT64', tags: { unit: '1' } }
const note: Feature = { name: 'note', valueType: 'STRING' }

const history = (name: string) => ({
  name,
  kind: 'BATCH_FILE',
  path: 'rows.parquet',
  timestampField: 'event_timestamp',
  description: 'what drivers did',
  tags: { tier: 'gold' },
})

const defined = (...features: Feature[]): Definitions => ({
  project: 'written',
  entities: [
    { name: 'driver', joinKey: 'driver_id', valueType: 'INT64', owner: 'ann', tags: { team: 'a' } },
  ],
  views: [
    {
      name: 'stats',
      entities: ['driver'],
      features,
      ttlMs: 3_600_000,
      pushSource: 'pushed',
      batchSource: history('rows'),
      description: 'hourly',
      tags: { team: 'a' },
      owner: 'ann',
    },
    {
      name: 'total',
      entities: [],
      features: [rate],
      ttlMs: 0,
      pushSource: undefined,
      batchSource: history('more_rows'),
      tags: {},
    },
  ],
  services: [
    {
      name: 'model',
      projections: [
        { view: 'stats', features: ['rate'] },
        { view: 'total', features: ['rate'], alias: 'sums' },
      ],
      tags: { team: 'a' },
    },
    {
      name: 'pinned',
      projections: [{ view: 'stats', features: ['rate'], version: 0 }],
      tags: {},
    },
  ],
  pushSources: [
    { name: 'pushed', timestampField: 'event_timestamp', batchSource: 'rows', tags: {} },
  ],
})

/** The same with one more feature, in Feast's words. */
const IN_PYTHON = `from datetime import timedelta
from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Float64, Int64, String

driver = Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64, owner="ann", tags={"team": "a"})
def history(name):
    return FileSource(name=name, path="rows.parquet", timestamp_field="event_timestamp",
                      description="what drivers did", tags={"tier": "gold"})
rows, more_rows = history("rows"), history("more_rows")
pushed = PushSource(name="pushed", batch_source=rows)
rate = Field(name="rate", dtype=Float64, description="a share")
stats = FeatureView(
    name="stats", entities=[driver], ttl=timedelta(hours=1), source=pushed, description="hourly", tags={"team": "a"}, owner="ann",
    schema=[rate, Field(name="trips", dtype=Int64, tags={"unit": "1"}), Field(name="note", dtype=String)],
)
total = FeatureView(name="total", entities=[], source=more_rows, schema=[rate], ttl=timedelta(0))
model = FeatureService(name="model", features=[stats[["rate"]], total.with_name("sums")], tags={"team": "a"})
def first(view):
    view.projection.version_tag = 0
    return view
pinned = FeatureService(name="pinned", features=[first(stats[["rate"]])])
`

const HISTORY = `import sys, pandas
at = pandas.to_datetime(["2026-01-01T00:00:00Z"] * 3)
pandas.DataFrame({"driver_id": [1, 2, 3], "event_timestamp": at, "rate": 0.5, "trips": 1, "note": "a"}).to_parquet(sys.argv[1])
`

test.for(REGISTRIES)(
  'what is applied here Feast reads, serves and applies over: $kind',
  { timeout: 240_000 },
  async ({ section }, { signal }) => {
    const listed = await appliedByBoth(section(), signal)
    expect(listed.match(/^v\d+ +feature_view /gm)).toHaveLength(4)
  },
)

/** What Feast lists of the versions in the end. */
async function appliedByBoth(section: string, signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-written-registry-'))
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(async () => await rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'feature_store.yaml'), yaml(section))
  const { app, store, refresh } = await ours(folder, cleanup, signal)

  await store.apply(defined(rate), signal)
  await refresh()
  await write(1, { rate: 0.1 })
  await store.recordMaterialization('stats', { start: 0, end: 1_000 }, signal)
  await store.apply(defined(rate, trips), signal)
  await refresh()
  await write(2, { rate: 0.2, trips: 2 })

  const VERSIONED = [
    ['stats@v0:rate'],
    ['stats@v1:rate', 'stats@v1:trips'],
    ['stats@v0:rate', 'stats@v1:trips'],
    ['stats:trips', 'stats@latest:rate'],
  ]
  const input = JSON.stringify(VERSIONED)
  const read = JSON.parse(await runFeast([script, folder], signal, { input })) as FeastRead
  expect(read).toMatchObject({ now: 1, intervals: 1 })
  expect(read.versions).toEqual([version('v0', 'rate'), version('v1', 'rate', 'trips')])
  for (const [index, features] of VERSIONED.entries()) {
    const { text } = await ask({ features })
    const { feature_names: names } = (JSON.parse(text) as Reply).metadata
    const values = names.map((name) => [name, valuesOf(text, name)])
    expect(Object.fromEntries(values)).toEqual(read.reads[index])
  }

  await using feast = await startFeast({ folder }, 1)
  const REQUESTS = [
    ...VERSIONED.map((features) => ({ features })),
    { features: ['stats:rate', 'total:rate'], full_feature_names: true },
    { feature_service: 'pinned', full_feature_names: true },
    { features: ['stats@v7:rate'] },
  ]
  await serveAlike(feast.url, REQUESTS)

  // What a service reads without a version Feast takes for the first one.
  const byService = { feature_service: 'model', full_feature_names: true }
  const [here, there] = [await ask(byService), await askFeast(feast.url, byService)]
  expect(valuesOf(here.text, 'stats__rate')).toEqual([null, 0.2, null])
  expect(valuesOf(there.text, 'stats__rate')).toEqual([0.1, null, null])

  await writeFile(join(folder, 'history.py'), HISTORY)
  await runFeast([join(folder, 'history.py'), join(folder, 'rows.parquet')], signal)
  await rm(join(folder, 'history.py'))
  await writeFile(join(folder, 'features.py'), IN_PYTHON)
  const before = await refresh()
  await feastCli(folder, ['apply'], {}, signal)

  const registry = await refresh()
  const { version: number, history: versions, intervals } = registry.views.get('stats') ?? {}
  expect(number).toBe(2)
  expect([...(versions?.keys() ?? [])].toSorted((a, b) => a - b)).toEqual([0, 1, 2])
  expect(intervals).toEqual([{ start: 0, end: 1_000 }])
  // Nothing that is defined as before is another object to Feast.
  for (const list of ['entities', 'services', 'pushSources', 'batchSources'] as const)
    expect(timeless(registry[list])).toEqual(timeless(before[list]))
  await write(3, { rate: 0.3, trips: 3, note: 'c' })
  await expect
    .poll(async () => (await askFeast(feast.url, { features: ['stats:note'] })).text, {
      timeout: 60_000,
      interval: 250,
    })
    .toContain('"c"')
  await serveAlike(feast.url, [...REQUESTS, { features: ['stats:note', 'stats@v2:note'] }])

  // And on from there: Feast counts what is applied here among its own.
  const planned = await store.plan(defined(rate, trips, note), signal)
  expect(planned.filter(({ change }) => change !== 'unchanged')).toEqual([])
  await store.apply(defined(rate, note), signal)
  const verbs = [
    ['feature-views', 'list-versions', 'stats'],
    ['feature-views', 'describe', 'stats'],
  ]
  const [listed, described] = await feastSays(folder, verbs, signal)
  expect(described?.stdout).toContain('note')
  expect(described?.stdout).not.toContain('trips')
  return listed?.stdout ?? ''

  async function write(driver: number, features: object): Promise<void> {
    const row = { driver_id: driver, event_timestamp: '2026-01-02T00:00:00Z', ...features }
    const columns = Object.entries(row).map(([name, value]) => [name, [value]])
    const body = { feature_view_name: 'stats', df: Object.fromEntries(columns) }
    expect((await send('/write-to-online-store', body)).status).toBe(200)
  }

  async function send(url: string, body: object): Promise<Answer> {
    const headers = { authorization: `Bearer ${WRITER}` }
    const asked = { method: 'POST', url, headers, payload: JSON.stringify(body) } as const
    const { statusCode, body: text } = await app.inject(asked)
    return { status: statusCode, text }
  }

  async function ask(body: object): Promise<Answer> {
    return await send('/get-online-features', { entities: DRIVERS, ...body })
  }

  async function serveAlike(url: string, requests: readonly object[]): Promise<void> {
    for (const body of requests) {
      const [here, there] = [await ask(body), await askFeast(url, body)]
      expect(here.status).toBe(there.status)
      if (here.status !== 200) expect(here.text).toBe(there.text)
      else expect(replyColumns(here.text)).toEqual(replyColumns(there.text))
    }
  }
}

const DRIVERS = { driver_id: [1, 2, 3] }

interface Answer {
  readonly status: number
  readonly text: string
}

interface Reply {
  readonly results: readonly { readonly values: readonly unknown[] }[]
  readonly metadata: { readonly feature_names: readonly string[] }
}

/** Feast sets the times of what it applies again. */
function timeless(objects: ReadonlyMap<string, object>): unknown {
  return new Map(
    [...objects].map(([name, object]) => [name, { ...object, createdAt: 0, updatedAt: 0 }]),
  )
}

function valuesOf(text: string, name: string): unknown {
  const { results, metadata } = JSON.parse(text) as Reply
  return results[metadata.feature_names.indexOf(name)]?.values
}

interface FeastRead {
  readonly versions: readonly object[]
  readonly reads: readonly object[]
}

const version = (name: string, ...features: string[]) => ({
  version: name,
  type: 'feature_view',
  id: 36,
  features,
})

async function askFeast(url: string, body: object): Promise<Answer> {
  // Feast's server hangs up on a connection that was idle for some seconds.
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const payload = JSON.stringify({ entities: DRIVERS, ...body })
  const reply = await fetch(`${url}/get-online-features`, {
    method: 'POST',
    headers,
    body: payload,
  })
  return { status: reply.status, text: await reply.text() }
}

interface Ours {
  readonly app: ReturnType<typeof buildApp>
  readonly store: RegistryStore
  readonly refresh: () => Promise<Registry>
}

async function ours(
  folder: string,
  cleanup: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Ours> {
  const config = await readRepoConfig(folder, {})
  const store = openRegistry(config.registry, config.project)
  cleanup.defer(async () => await store.close())
  await store.apply(defined(rate), signal)
  const source = { current: await store.read(signal) }
  const online = openOnlineStore(config.onlineStore, config.project, { onError: () => {} })
  cleanup.defer(async () => await online.close())
  await untilReady(online, signal)
  const app = buildApp({
    logger: createLogger({ name: 'feature-server', level: 'silent' }),
    metrics: createRegistry('feature-server'),
    registry: source,
    store: online,
    clock: { now: () => Date.UTC(2026, 0, 2) },
    serving: 'strict',
    keyring: createKeyring([{ name: 'writer', role: 'writer', sha256: digestOf(WRITER) }]),
    bindHost: '127.0.0.1',
    limits: { ...DEFAULT_LIMITS, eventLoopDelayMs: 0 },
  })
  cleanup.defer(async () => await app.close())
  const refresh = async () => {
    source.current = await store.read(signal)
    return source.current
  }
  return { app, store, refresh }
}
