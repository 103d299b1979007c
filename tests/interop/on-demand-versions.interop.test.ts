import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { openTransformer } from '@usdcop/feast/transformation/open-transformer'
import { buildApp } from '@usdcop/feature-server/app'
import { DEFAULT_LIMITS } from '@usdcop/feature-server/limits'
import { createKeyring, digestOf } from '@usdcop/service/auth'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { runFeast, startFeast } from '@usdcop/tests/support/feast-forks'
import { startOwnRedis } from '@usdcop/tests/support/redis'
import { freePort } from '@usdcop/tests/support/redis-node'
import { until } from '@usdcop/tests/support/until'
import { afterAll, beforeAll, expect, test } from 'vitest'

const WRITER = 'the-writer-of-the-tests'
const script = fileURLToPath(new URL('on_demand_versions.py', import.meta.url))

let app: Awaited<ReturnType<typeof ours>>
let feastUrl: string
const disposals: (() => unknown)[] = []

beforeAll(async () => {
  const signal = AbortSignal.timeout(230_000)
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-on-demand-versions-'))
  disposals.push(async () => await rm(folder, { recursive: true, force: true }))
  const redis = await startOwnRedis()
  disposals.push(async () => await redis[Symbol.asyncDispose]())
  const [transformations, port] = [await freePort(), await freePort()]
  const endpoint = `127.0.0.1:${transformations}`
  feastUrl = `http://127.0.0.1:${port}`
  await runFeast([script, folder, new URL(redis.url).host, endpoint], signal)
  for (const verb of [
    ['serve_transformations', '-p', `${transformations}`],
    ['serve', '-p', `${port}`],
  ]) {
    const running = await startFeast(['feast', '-c', folder, ...verb])
    disposals.push(async () => await running.stop())
  }
  app = await ours(folder, signal)
  const answers = async () => {
    const asked = await askFeast(READ, read('computed:same')).catch(() => undefined)
    return asked?.status === 200 && (await ask(READ, read('computed:same'))).status === 200
  }
  await until(answers, 'both serve', 120_000)
}, 240_000)
afterAll(async () => {
  for (const dispose of disposals.toReversed()) await dispose()
})

const READ = '/get-online-features'
const read = (...features: string[]) => ({ features, entities: { driver: [1, 2] } })

test.for([
  { references: ['kept:same'] },
  { references: ['kept@v0:same'] },
  { references: ['kept@V1:same', 'kept@v1:more'] },
  { references: ['kept@latest:more', 'stats@v0:rate'] },
  { references: ['kept@v0:same', 'kept@v1:same'], full: true },
  { references: ['computed:same'] },
  { references: ['computed@v1:same', 'computed@v1:more'] },
  { references: ['computed@latest:more'], full: true },
  { references: ['computed@v1:more', 'kept@v0:same'], full: true },
])('$references are answered as Feast answers them', async ({ references, full }) => {
  const options = { full_feature_names: full, include_feature_view_version_metadata: true }
  const body = { ...read(...references), ...options }
  const [here, there] = [await ask(READ, body), await askFeast(READ, body)]
  expect([here.status, there.status]).toEqual([200, 200])
  expect(inOrder(here.text)).toEqual(inOrder(there.text))
})

test.for(['computed@v7:same', 'kept@v9:same', 'nothing@v1:same'])(
  '%s is unknown, in the words of Feast',
  async (reference) => {
    const [here, there] = [await ask(READ, read(reference)), await askFeast(READ, read(reference))]
    expect(there.status).toBe(404)
    expect(here).toEqual(there)
  },
)

test('an earlier version of a view that is not stored, which Feast computes, is refused by name', async () => {
  const body = read('computed@v0:same')
  const there = await askFeast(READ, body)
  expect(there.status).toBe(200)
  expect(JSON.parse(there.text)).toMatchObject({ results: [{}, { values: [0.1, 0.7] }] })
  const here = await ask(READ, body)
  expect(here.status).toBe(501)
  expect(here.text).toContain("On demand feature view 'computed' is not computed here as of v0")
})

test('a feature that an earlier version has not is unknown here, and null in Feast', async () => {
  const body = read('kept@v0:more')
  const there = await askFeast(READ, body)
  expect(JSON.parse(there.text)).toMatchObject({ results: [{}, { values: [null, null] }] })
  expect((await ask(READ, body)).status).toBe(404)
})

test.for(['kept@v0', 'kept@v1', 'computed@v0', 'stats@v0'])(
  '%s is no view to write to, or to materialize, in both',
  async (name) => {
    const df = { driver: [2], rate: [1], at: ['2026-01-02T00:00:00Z'] }
    for (const [route, body] of [
      ['/write-to-online-store', { feature_view_name: name, df }],
      ['/materialize', { feature_views: [name], start_ts: '2025-12-31', end_ts: '2026-01-02' }],
    ] as const) {
      const [here, there] = [await ask(route, body), await askFeast(route, body)]
      expect([here.status, there.status]).toEqual([404, 404])
    }
  },
)

/** Columns and views by name: those of one view, and views, have no order of their own in Feast. */
function inOrder(text: string): unknown {
  const { results, metadata } = JSON.parse(text) as {
    readonly results: readonly unknown[]
    readonly metadata: {
      readonly feature_names: readonly string[]
      readonly feature_view_metadata: readonly unknown[]
    }
  }
  const columns = metadata.feature_names.map((name, i) => JSON.stringify([name, results[i]]))
  const views = metadata.feature_view_metadata.map((view) => JSON.stringify(view))
  return [columns.toSorted(), views.toSorted()]
}

async function ask(url: string, body: object) {
  const headers = { authorization: `Bearer ${WRITER}` }
  const asked = { method: 'POST', url, headers, payload: JSON.stringify(body) } as const
  const { statusCode, body: text } = await app.inject(asked)
  return { status: statusCode, text }
}

async function askFeast(route: string, body: object) {
  const headers = { 'content-type': 'application/json', connection: 'close' }
  const request = { method: 'POST', headers, body: JSON.stringify(body) }
  const reply = await fetch(`${feastUrl}${route}`, request)
  return { status: reply.status, text: await reply.text() }
}

async function ours(folder: string, signal: AbortSignal) {
  const config = await readRepoConfig(folder, {})
  const kept = openRegistry(config.registry, config.project)
  const registry = await kept.read(signal)
  const store = openOnlineStore(config.onlineStore, config.project, { onError: () => {} })
  disposals.push(async () => await store.close())
  await untilReady(store, signal)
  const { transform, close } = await openTransformer(config)
  disposals.push(close)
  const built = buildApp({
    logger: createLogger({ name: 'feature-server', level: 'silent' }),
    metrics: createRegistry('feature-server'),
    registry: { current: registry },
    store,
    transform,
    clock: { now: () => Date.UTC(2026, 0, 2) },
    serving: 'mark',
    keyring: createKeyring([{ name: 'writer', role: 'writer', sha256: digestOf(WRITER) }]),
    limits: { ...DEFAULT_LIMITS, eventLoopDelayMs: 0 },
    bindHost: '127.0.0.1',
  })
  disposals.push(async () => await built.close())
  return built
}
