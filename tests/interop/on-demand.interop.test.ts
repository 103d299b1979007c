import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { OnDemandView } from '@usdcop/feast/registry/definitions'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import { createTransformer } from '@usdcop/feast/serving/transform'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { connectTransformationService } from '@usdcop/feast/transformation/service'
import { buildApp } from '@usdcop/feature-server/app'
import { DEFAULT_LIMITS } from '@usdcop/feature-server/limits'
import { createKeyring, digestOf } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { type RunningFeast, runFeast, startFeast } from '@usdcop/tests/support/feast-forks'
import { type OwnRedis, startOwnRedis } from '@usdcop/tests/support/redis'
import { freePort } from '@usdcop/tests/support/redis-node'
import { until } from '@usdcop/tests/support/until'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'

const WRITER = 'the-writer-of-the-tests'
const script = fileURLToPath(new URL('on_demand.py', import.meta.url))

interface Answer {
  readonly status: number
  readonly text: string
}

let folder: string
let redis: OwnRedis
let client: Redis
let service: RunningFeast
let app: Awaited<ReturnType<typeof ours>>
let feastUrl: string
const disposals: (() => unknown)[] = []

beforeAll(async () => {
  const signal = AbortSignal.timeout(230_000)
  folder = await mkdtemp(join(tmpdir(), 'usdcop-on-demand-'))
  disposals.push(async () => await rm(folder, { recursive: true, force: true }))
  redis = await startOwnRedis()
  disposals.push(async () => await redis[Symbol.asyncDispose]())
  client = new Redis(redis.url)
  disposals.push(() => client.disconnect())
  const [transformations, feastServer] = [await freePort(), await freePort()]
  const endpoint = `127.0.0.1:${transformations}`
  feastUrl = `http://127.0.0.1:${feastServer}`
  await runFeast([script, folder, new URL(redis.url).host, endpoint], signal)
  service = await feast('serve_transformations', '-p', `${transformations}`)
  await feast('serve', '-p', `${feastServer}`)
  app = await ours(signal)
  await Promise.all(
    [transformations, feastServer].map(async (port) => await listening(port, signal)),
  )
}, 240_000)
afterAll(async () => {
  for (const dispose of disposals.toReversed()) await dispose()
})

async function ask(route: string, body: unknown): Promise<Answer> {
  const headers = { authorization: `Bearer ${WRITER}` }
  const asked = { method: 'POST', url: route, headers, payload: JSON.stringify(body) } as const
  const { statusCode, body: text } = await app.inject(asked)
  return { status: statusCode, text }
}

async function askFeast(route: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const request = { method: 'POST', headers, body: JSON.stringify(body) }
  const reply = await fetch(`${feastUrl}${route}`, request)
  return { status: reply.status, text: await reply.text() }
}

const READ = '/get-online-features'
const WRITE = '/write-to-online-store'

const TYPES = [
  'rate',
  'small',
  'trips',
  'grade',
  'active',
  'note',
  'raw',
  'seen',
  'scores',
  'ids',
  'words',
]

test('on-demand views in Python give what they give in Feast, by its transformation service', async () => {
  const entities = { driver: [1, 2], factor: [0.5, 3], bonus: [1, 2] }
  const outputs = [...TYPES, 'nothing', 'cut'].map((name) => `by_pandas:${name}_out`)
  for (const body of [
    { features: outputs, entities },
    { features: ['stats:note', ...outputs], entities },
    { features: ['with_gaps:sum_out', 'with_gaps:trips_out'], entities },
    { features: ['with_gaps:sum_out'], entities: { ...entities, driver: [2, 99] } },
    { features: ['failing:never'], entities: { factor: [1.5], bonus: [1] } },
  ]) {
    const [here, there] = [await ask(READ, body), await askFeast(READ, body)]
    expect([here.status, there.status]).toEqual([200, 200])
    expect(columnsOf(here.text)).toEqual(columnsOf(there.text))
  }

  // What Feast's service does not run, Feast's server does.
  const python = { features: ['by_python:twice'], entities: { driver: [1] } }
  expect((await askFeast(READ, python)).status).toBe(200)
  const refused = await ask(READ, python)
  expect(refused.status).toBe(501)
  expect(refused.text).toContain("'by_python' is of the mode python")
})

test("Feast's transformation service does not run a view of the mode python", async ({
  signal,
}) => {
  const config = await readRepoConfig(folder, {})
  const kept = openRegistry(config.registry, config.project)
  const view = (await kept.read(signal)).onDemandViews.get('by_python') as OnDemandView
  await kept.close()
  const asked = connectTransformationService(config.transformationEndpoint ?? '', config.project)
  const inputs = [{ rate: { type: 'DOUBLE' as const, value: 1 } }]
  const told = asked.transform({ ...view, mode: 'pandas' }, inputs, signal)
  await expect(told).rejects.toMatchObject({
    code: 'transform_failed',
    cause: {
      details: expect.stringContaining('mode "python" not supported by TransformationServer'),
    },
  })
  asked.close()
})

/** Columns of a frame for `kept`; a driver has one row. */
const frame = (...drivers: number[]) => ({
  driver: drivers,
  small: drivers.map((id) => id / 10),
  trips: drivers.map((id) => 100 + id),
  note: drivers.map((id) => `ñandú ${id}`),
  scores: drivers.map((id) => [id, 0.5]),
  factor: drivers.map(() => 3),
  bonus: drivers.map(() => 1),
  event_timestamp: drivers.map(() => '2020-01-01T00:00:00Z'),
})
const KEPT = ['scaled', 'whole', 'note', 'scores', 'nothing', 'driver'].map(
  (name) => `kept:${name}`,
)

/** What Redis has of every entity, but the time of the write. */
async function rowsLeft(): Promise<unknown> {
  const keys = (await client.keysBuffer('*')).toSorted((a, b) => a.compare(b))
  const rows = await Promise.all(keys.map(async (key) => await client.hgetallBuffer(key)))
  return rows.map((row, index) => {
    const fields = Object.entries(row as Record<string, Buffer>)
    const values = fields.filter(([field]) => !field.startsWith('_ts:'))
    const times = fields.flatMap(([field]) => (field.startsWith('_ts:') ? [field] : []))
    return [keys[index]?.toString('hex'), times, Object.fromEntries(values)]
  })
}

test('stored on-demand views are left in Redis as Feast leaves them, and read by both', async () => {
  const writes = [
    { feature_view_name: 'kept', df: frame(1, 2) },
    // The same driver twice; a null; a column that stands in the place of a computed one.
    { feature_view_name: 'kept', df: { ...frame(3, 3), factor: [1, 2] } },
    { feature_view_name: 'kept', df: { ...frame(4, 5), small: [null, 0.25] } },
    { feature_view_name: 'kept', df: { ...frame(6), scaled: [77] } },
    {
      feature_view_name: 'kept',
      df: {
        driver: ['7'],
        scaled: [1],
        whole: [2],
        note: ['as it is'],
        scores: [[1.5]],
        nothing: [3],
      },
      transform_on_write: false,
    },
    {
      feature_view_name: 'kept_by_python',
      df: { driver: [8], twice: [3] },
      transform_on_write: false,
    },
  ]
  const leftBy = async (to: typeof ask) => {
    await client.flushall()
    for (const body of writes) expect(await to(WRITE, body)).toEqual({ status: 200, text: 'null' })
    return await rowsLeft()
  }
  const read = { features: KEPT, entities: { driver: [1, 2, 3, 4, 5, 6, 7, 8, 9] } }
  const theirs = await leftBy(askFeast)
  const ofTheirs = [await ask(READ, read), await askFeast(READ, read)]
  expect(await leftBy(ask)).toEqual(theirs)
  const ofOurs = [await ask(READ, read), await askFeast(READ, read)]
  const [first, ...others] = [...ofTheirs, ...ofOurs].map(({ text }) => columnsOf(text))
  const [scaled] = (first?.['scaled'] ?? []) as unknown[][]
  const [byFirst, bySecond] = [expect.closeTo(0.3), expect.closeTo(0.6)]
  expect(scaled).toEqual([byFirst, bySecond, byFirst, null, 0.75, 77, 1, null, null])
  for (const other of others) expect(other).toEqual(first)

  // By Feast's server alone: its transformation service runs nothing but pandas.
  const python = { feature_view_name: 'kept_by_python', df: { driver: [8], rate: [3] } }
  expect((await askFeast(WRITE, python)).status).toBe(200)
  const refused = await ask(WRITE, python)
  expect(refused.status).toBe(501)
  expect(refused.text).toContain("'kept_by_python' is of the mode python")
  const lacking = { feature_view_name: 'kept', df: { driver: [1], small: [1] } }
  const [here, there] = [await ask(WRITE, lacking), await askFeast(WRITE, lacking)]
  expect([here.status, there.status]).toEqual([500, 500])
})

test('a view that fails, and a service that is away, are told apart', async () => {
  const failing = { features: ['failing:never'], entities: { factor: [-1], bonus: [1] } }
  const failed = await ask(READ, failing)
  expect(failed.status).toBe(500)
  expect(failed.text).toContain("On demand feature view 'failing' failed")
  expect(failed.text).not.toContain('inner')
  expect((await askFeast(READ, failing)).status).toBe(500)

  await service.stop()
  for (const away of [
    await ask(READ, { features: ['failing:never'], entities: { factor: [1], bonus: [1] } }),
    await ask(WRITE, { feature_view_name: 'kept', df: frame(1) }),
  ]) {
    expect(away.status).toBe(503)
    expect(away.text).toContain('the transformation service did not answer')
  }
})

/** Values and statuses by name, digits of integers kept. */
function columnsOf(text: string): Readonly<Record<string, unknown>> {
  const quoted = text.replaceAll(/(?<=[[,:])-?\d{16,}(?=[\],])/g, '"$&"')
  const { metadata, results } = JSON.parse(quoted) as {
    metadata: { feature_names: string[] }
    results: { values: unknown[]; statuses: string[] }[]
  }
  return Object.fromEntries(
    metadata.feature_names.map((name, i) => [name, [results[i]?.values, results[i]?.statuses]]),
  )
}

async function ours(signal: AbortSignal) {
  const config = await readRepoConfig(folder, {})
  const { project, transformationEndpoint: endpoint = '' } = config
  const registry = await openRegistry(config.registry, project).read(signal)
  const store = openOnlineStore(config.onlineStore, project, { onError: () => {} })
  disposals.push(async () => await store.close())
  await untilReady(store, signal)
  const service = connectTransformationService(endpoint, project)
  disposals.push(() => service.close())
  const built = buildApp({
    logger: createLogger({ name: 'feature-server', level: 'silent' }),
    metrics: createRegistry('feature-server'),
    registry: { current: registry },
    store,
    transform: createTransformer(service.transform),
    clock: { now: () => Date.UTC(2026, 0, 2) },
    serving: 'strict',
    keyring: createKeyring([{ name: 'writer', role: 'writer', sha256: digestOf(WRITER) }]),
    limits: { ...DEFAULT_LIMITS, eventLoopDelayMs: 0 },
    bindHost: '127.0.0.1',
  })
  disposals.push(async () => await built.close())
  return built
}

async function feast(...verb: string[]): Promise<RunningFeast> {
  const running = await startFeast(['feast', '-c', folder, ...verb])
  disposals.push(async () => await running.stop())
  return running
}

async function listening(port: number, signal: AbortSignal): Promise<void> {
  const answers = async () => {
    signal.throwIfAborted()
    const socket = connect(port, '127.0.0.1')
    const answered = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    return answered
  }
  await until(answers, `somebody listens at ${port}`, 120_000)
}
