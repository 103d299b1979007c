import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { feastCli, feastSays } from '@usdcop/tests/support/feast-cli'
import { runFeast } from '@usdcop/tests/support/feast-forks'
import { startPostgres } from '@usdcop/tests/support/postgres'
import { type OwnRedis, startOwnRedis } from '@usdcop/tests/support/redis'
import { freePort } from '@usdcop/tests/support/redis-node'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCommand } from '../../src/program.ts'
import { usdcop } from '../usdcop.ts'
import { TYPED } from './typed-definitions.ts'

// One after the other, on one registry in PostgreSQL that Feast and we share.

const here = fileURLToPath(new URL('.', import.meta.url))
let redis: OwnRedis
let postgres: Awaited<ReturnType<typeof startPostgres>>
let folder: string
let others: string
let typed: string

const yaml = (project: string, url: string) => `project: ${project}
provider: local
registry:
  registry_type: sql
  path: ${url.replace(/^postgres(?:ql)?:/, 'postgresql+psycopg:')}
  cache_ttl_seconds: 1
  sqlalchemy_config_kwargs: {echo: false, pool_pre_ping: true}
offline_store: {type: dask}
online_store: {type: redis, connection_string: '${new URL(redis.url).host}'}
entity_key_serialization_version: 3
`

beforeAll(async () => {
  redis = await startOwnRedis()
  postgres = await startPostgres()
  folder = await mkdtemp(join(tmpdir(), 'usdcop-feast-sql-'))
  others = join(folder, 'others')
  typed = join(folder, 'typed')
  const url = await postgres.createDatabase()
  await cp(join(here, 'others'), others, { recursive: true })
  await mkdir(join(folder, 'drivers/data'), { recursive: true })
  await mkdir(typed)
  await writeFile(join(others, 'feature_store.yaml'), yaml('others', url))
  await writeFile(join(typed, 'feature_store.yaml'), yaml('typed', url))
  await writeFile(join(typed, 'features.ts'), TYPED)
  const signal = AbortSignal.timeout(110_000)
  await runFeast([join(here, 'history.py'), join(folder, 'drivers/data/history.parquet')], signal)
}, 120_000)

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await postgres[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

const feast = async (repository: string, ...args: string[]) =>
  await usdcop('feast', '-c', repository, ...args)

const LISTED = [
  ['projects', 'list'],
  ...['entities', 'feature-views', 'feature-services', 'data-sources'].map((group) => [
    group,
    'list',
  ]),
  ['feature-views', 'list-versions', 'driver_stats'],
  ['feature-views', 'list-versions', 'typed_stats'],
]

/** Rows of a table have no order of their own. */
const sorted = (text: string) => text.split('\n').toSorted()

test('makes a registry that Feast lists, describes, materializes and reads', async ({ signal }) => {
  expect((await feast(typed, 'plan')).stdout).toContain('Created feature view typed_stats\n')
  const applied = await feast(typed, 'apply')
  expect(applied).toMatchObject({ code: 0, stderr: '' })
  expect((await feast(typed, 'plan')).stdout).toBe(
    'No changes to registry\nNo changes to infrastructure\n',
  )
  const verbs = [
    ...LISTED,
    ['entities', 'describe', 'driver'],
    ['projects', 'describe', 'typed'],
    ['materialize', '2026-01-01T00:00:00', '2026-01-05T00:00:00'],
    ['get-online-features', '-e', 'driver_id=1003', '-f', 'typed_stats:trips'],
  ]
  const before = await Promise.all(verbs.slice(0, -2).map((args) => feast(typed, ...args)))
  const theirs = await feastSays(typed, verbs, signal)
  for (const [index, { stdout }] of before.entries())
    expect(sorted(stdout)).toEqual(sorted(theirs[index]?.stdout ?? ''))
  expect(theirs.map(({ code }) => code)).toEqual(verbs.map(() => 0))
  const get = verbs.at(-1) ?? []
  expect(JSON.parse(theirs.at(-1)?.stdout ?? '').trips).toEqual([expect.any(Number)])
  expect((await feast(typed, ...get)).stdout).toBe(theirs.at(-1)?.stdout)
})

test('goes on from what Feast materialized, and Feast from what was materialized here', async ({
  signal,
}) => {
  const ours = await feast(typed, 'materialize-incremental', '2026-01-07T00:00:00')
  expect(ours).toMatchObject({ code: 0, stderr: '' })
  expect(ours.stdout).toContain(
    'typed_stats from 2026-01-05 00:00:00+00:00 to 2026-01-07 00:00:00+00:00',
  )
  const verbs = [
    ['materialize-incremental', '2026-01-09T00:00:00'],
    ['feature-views', 'describe', 'typed_stats'],
  ]
  const [done, described] = await feastSays(typed, verbs, signal)
  expect(stripVTControlCharacters(done?.stdout ?? '')).toContain(
    'typed_stats from 2026-01-07 00:00:00+00:00 to 2026-01-09 00:00:00+00:00',
  )
  for (const day of ['01', '05', '07', '09']) expect(described?.stdout).toContain(`2026-01-${day}T`)
  const shown = (await feast(typed, 'feature-views', 'describe', 'typed_stats')).stdout
  expect(shown).toContain('state: AVAILABLE_ONLINE')
})

test('shares the database with a project that Feast applies', async ({ signal }) => {
  await feastCli(others, ['apply'], {}, signal)
  const planned = await feast(typed, 'plan')
  expect(planned.stdout).toContain('No changes to registry')
  const theirs = await feastSays(others, LISTED, signal)
  for (const { args, stdout } of theirs)
    expect(sorted((await feast(others, ...args)).stdout)).toEqual(sorted(stdout))
  expect(theirs[0]?.stdout).toContain('typed')
  const dumped = await feastSays(others, [['registry-dump']], signal)
  expect((await feast(others, 'registry-dump')).stdout).toBe(dumped[0]?.stdout)
})

test('serves it, and takes up what Feast changes meanwhile', async ({ signal }) => {
  const port = await freePort()
  const stop = new AbortController()
  const { env, stdout, stderr } = process
  const args = ['feast', '-c', others, 'serve', '-p', String(port)]
  const ended = runCommand(args, { env, signal: stop.signal, stdout, stderr })
  const ask = async (feature: string) => {
    const body = JSON.stringify({ features: [feature], entities: { driver_id: [1003] } })
    const url = `http://127.0.0.1:${port}/get-online-features`
    return await fetch(url, { method: 'POST', body, signal })
  }
  const options = { timeout: 30_000, interval: 100 }
  try {
    await feastSays(others, [['materialize', '2026-01-01', '2026-02-01']], signal)
    await vi.waitFor(async () => {
      const { results } = (await (await ask('driver_stats:trips')).json()) as Reply
      expect(results[1]?.values).toEqual([183])
    }, options)
    expect((await ask('more_stats:trips')).status).toBe(404)
    const more = 'more_stats = FeatureView(name="more_stats", entities=[driver], '
    const schema = 'schema=[Field(name="trips", dtype=Int64)], source=stats.batch_source)\n'
    await writeFile(join(others, 'more.py'), `from definitions import *\n${more}${schema}`)
    await feastCli(others, ['apply'], {}, signal)
    await vi.waitFor(async () => {
      expect((await ask('more_stats:trips')).status).toBe(200)
    }, options)
  } finally {
    stop.abort()
  }
  expect(await ended).toBe(0)
}, 120_000)

interface Reply {
  readonly results: readonly { readonly values: readonly unknown[] }[]
}

test('tears down its own project, after which Feast can apply it again', async ({ signal }) => {
  expect((await feast(others, 'teardown', '--json')).stdout).toBe(
    '{"project":"others","entities":20}\n',
  )
  expect((await feast(typed, 'plan')).stdout).toContain('No changes to registry')
  await feastCli(others, ['apply'], {}, signal)
  const views = (await feast(others, 'feature-views', 'list')).stdout
  expect(views).toContain('driver_stats')
})
