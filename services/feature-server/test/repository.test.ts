import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Definitions } from '@usdcop/feast/registry/definitions'
import { copyToParquet, openDuckdb } from '@usdcop/offline-store/parquet'
import { startIdentityProvider } from '@usdcop/tests/support/identity-provider'
import { expect, test } from 'vitest'
import { repositoryOf, startServer, type TestRepository } from './served-repository.ts'

const { signal } = new AbortController()
const DEFINITIONS: Definitions = {
  project: 'drivers',
  entities: [{ name: 'driver', joinKey: 'driver', valueType: 'INT64', tags: {} }],
  views: ['stats', 'trips', 'broken'].map((name) => ({
    name,
    entities: ['driver'],
    features: [{ name: name === 'broken' ? 'gone' : 'rate', valueType: 'DOUBLE' }],
    ttlMs: 0,
    pushSource: name === 'stats' ? 'feed' : undefined,
    tags: {},
    batchSource: {
      name: 'history',
      kind: 'BATCH_FILE',
      path: 'data/history.parquet',
      timestampField: 'happened',
      tags: {},
    },
  })),
  services: [],
  pushSources: [{ name: 'feed', timestampField: 'happened', batchSource: 'history' }],
}
const WINDOW = { start_ts: '2026-01-01', end_ts: '2026-02-01' }
const ASKED = { features: ['stats:rate'], entities: { driver: [0, 7, -1] } }

async function drivers(rows: number, yaml = ''): Promise<TestRepository> {
  const repository = await repositoryOf(DEFINITIONS, yaml)
  using duckdb = await openDuckdb()
  await copyToParquet(
    duckdb.connection,
    `select i as driver, timestamp '2026-01-02' as happened, i / 2 as rate from range(${rows}) t(i)`,
    join(repository.directory, 'data/history.parquet'),
  )
  return repository
}

const intervalsOf = async ({ registry }: TestRepository, view: string) =>
  (await registry.read(signal)).views.get(view)?.intervals ?? []

const POLL = { timeout: 20_000 }

test('materializes in a process that is there for the run alone, and records it', async () => {
  await using repository = await drivers(5_000)
  await using server = await startServer(repository.directory)
  expect(await server.ask(ASKED)).toMatchObject({ results: [{}, { values: [null, null, null] }] })
  const body = { ...WINDOW, feature_views: ['stats'] }
  expect(await server.post('/materialize', body)).toEqual({ status: 200, text: 'null' })
  expect(await server.ask(ASKED)).toMatchObject({ results: [{}, { values: [0, 3.5, null] }] })
  const { start_ts: start, end_ts: end } = WINDOW
  const interval = { start: Date.parse(start), end: Date.parse(end) }
  expect(await intervalsOf(repository, 'stats')).toEqual([interval])
  const increment = { end_ts: '2026-03-01', feature_views: ['stats'] }
  expect((await server.post('/materialize-incremental', increment)).status).toBe(200)
  expect((await intervalsOf(repository, 'stats')).at(-1)?.start).toBe(interval.end)
  expect(server.materializers()).toHaveLength(2)
  for (const pid of server.materializers()) {
    expect(pid).not.toBe(server.child.pid)
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  }
}, 60_000)

test('takes a push to history, from where it is materialized', async () => {
  await using repository = await drivers(5)
  await using server = await startServer(repository.directory)
  const df = { happened: ['2026-01-03T00:00:00Z'], driver: [7], rate: [0.75] }
  const push = { push_source_name: 'feed', df, to: 'offline' }
  expect((await server.post('/push', push)).status).toBe(200)
  expect(await server.ask(ASKED)).toMatchObject({ results: [{}, { values: [null, null, null] }] })
  await server.post('/materialize', { ...WINDOW, feature_views: ['stats'] })
  expect(await server.ask(ASKED)).toMatchObject({ results: [{}, { values: [0, 0.75, null] }] })
  const both = { ...push, df: { ...df, driver: [-1] }, to: 'online_and_offline' }
  expect((await server.post('/push', both)).status).toBe(200)
  expect(await server.ask(ASKED)).toMatchObject({ results: [{}, { values: [0, 0.75, 0.75] }] })
  const unfit = await server.post('/push', { ...push, df: { ...df, rate: [null], more: [1] } })
  expect(unfit).toMatchObject({ status: 422, text: expect.stringContaining('[more]') })
}, 60_000)

test('asks for the tokens that its feature_store.yaml names', async () => {
  await using provider = await startIdentityProvider()
  const auth = `{type: oidc, auth_discovery_url: '${provider.discoveryUrl}', client_id: c}`
  await using repository = await drivers(1, `auth: ${auth}`)
  await using server = await startServer(repository.directory)
  const ask = async (headers: Readonly<Record<string, string>>) => {
    const body = JSON.stringify(ASKED)
    return await fetch(`${server.address}/get-online-features`, { method: 'POST', headers, body })
  }
  expect((await ask({})).status).toBe(401)
  const token = provider.token({ preferred_username: 'ana' })
  expect((await ask({ authorization: `Bearer ${token}` })).status).toBe(200)
  expect((await ask({ authorization: 'Bearer x.y.z' })).status).toBe(401)
}, 60_000)

test('tells a fault of that process under its own code', async () => {
  await using repository = await drivers(1)
  await using server = await startServer(repository.directory)
  const run = await server.post('/materialize', { ...WINDOW, feature_views: ['broken'] })
  expect(run.status).toBe(422)
  expect(run.text).toContain("The source of feature view broken has no column 'gone'")
}, 60_000)

test('says 409 in every worker while one of them has a view materialized', async () => {
  await using repository = await drivers(400_000)
  await using server = await startServer(repository.directory, { WORKERS: '2' })
  const body = { ...WINDOW, feature_views: ['stats'] }
  expect((await server.post('/materialize?async=true', body)).status).toBe(202)
  await expect.poll(server.materializers, POLL).toHaveLength(1)
  const both = { ...WINDOW, feature_views: ['trips', 'stats'] }
  // One after another, so that they reach every worker.
  for (const _ of [1, 2, 3, 4]) {
    const { status, text } = await server.post('/materialize', both)
    expect(status).toBe(409)
    expect(JSON.parse(text)).toMatchObject({ feature_views: ['stats'] })
  }
}, 60_000)

test('tells the death of that process, of which nothing is left, and takes the next run', async () => {
  await using repository = await drivers(100_000)
  await using server = await startServer(repository.directory)
  const body = { ...WINDOW, feature_views: ['stats'] }
  const run = server.post('/materialize', body)
  await expect.poll(server.materializers, POLL).toHaveLength(1)
  process.kill(server.materializers()[0] as number, 'SIGKILL')
  const { status, text } = await run
  expect(status).toBe(500)
  expect(text).toContain('the process that materialized ended by SIGKILL')
  expect(await intervalsOf(repository, 'stats')).toEqual([])
  expect((await server.post('/materialize', body)).status).toBe(200)
  expect(await intervalsOf(repository, 'stats')).toHaveLength(1)
}, 60_000)

test('ends a run with the server, and records nothing of it', async () => {
  await using repository = await drivers(400_000)
  await using server = await startServer(repository.directory)
  const body = { ...WINDOW, feature_views: ['stats'] }
  expect((await server.post('/materialize?async=true', body)).status).toBe(202)
  await expect.poll(server.materializers, POLL).toHaveLength(1)
  server.child.kill('SIGTERM')
  expect((await server.exit)[0]).toBe(0)
  expect(() => process.kill(server.materializers()[0] as number, 0)).toThrow('ESRCH')
  expect(await intervalsOf(repository, 'stats')).toEqual([])
  expect(existsSync(join(repository.directory, 'data/registry.db.lock'))).toBe(false)
}, 60_000)
