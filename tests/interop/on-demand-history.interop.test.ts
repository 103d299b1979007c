import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRepoConfig } from '@usdcop/feast/config/feature-store-yaml'
import type { MaterializationJob } from '@usdcop/feast/registry/materialization'
import { openRegistry } from '@usdcop/feast/registry/open-registry'
import { openOnlineStore } from '@usdcop/feast/stores/open-store'
import { untilReady } from '@usdcop/feast/stores/until-ready'
import { openTransformer } from '@usdcop/feast/transformation/open-transformer'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import { createMaterializer } from '@usdcop/offline-store/materialize/materializer'
import { runFeast, startFeast } from '@usdcop/tests/support/feast-forks'
import { startOwnRedis } from '@usdcop/tests/support/redis'
import { freePort } from '@usdcop/tests/support/redis-node'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test } from 'vitest'

const script = fileURLToPath(new URL('on_demand_history.py', import.meta.url))
const HOUR = 3_600_000
const START = Date.UTC(2026, 0, 1)
const WINDOW = { start: START + 20 * HOUR, end: START + 72 * HOUR }

const DRIVER_100 =
  entityKey([['driver', { type: 'INT64', value: 100n }]]).toString('hex') +
  Buffer.from('computed').toString('hex')

/** Hashes by key, fields and values as hexadecimal digits; times of the write are empty. */
type Rows = Readonly<Record<string, Readonly<Record<string, string>>>>
type Left = { readonly rows: Rows } | { readonly error: string }

let theirs: Readonly<Record<string, Left>>
let ours: Awaited<ReturnType<typeof openOurs>>
const disposals: (() => unknown)[] = []

beforeAll(async () => {
  const signal = AbortSignal.timeout(230_000)
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-on-demand-history-'))
  disposals.push(async () => await rm(folder, { recursive: true, force: true }))
  const redis = await startOwnRedis()
  disposals.push(async () => await redis[Symbol.asyncDispose]())
  const port = await freePort()
  const told = await runFeast(
    [script, folder, new URL(redis.url).host, `127.0.0.1:${port}`],
    signal,
  )
  theirs = JSON.parse(told) as typeof theirs
  const service = await startFeast([
    'feast',
    '-c',
    folder,
    'serve_transformations',
    '-p',
    `${port}`,
  ])
  disposals.push(async () => await service.stop())
  ours = await openOurs(folder, redis.url, signal)
}, 240_000)
afterAll(async () => {
  for (const dispose of disposals.toReversed()) await dispose()
})

test.for([
  { view: 'every_type', entities: 300 },
  { view: 'of_an_input', entities: 300 },
  { view: 'of_two', entities: 300 },
])('$view is left in Redis as Feast leaves it', async ({ view, entities }, { signal }) => {
  const rows = rowsOf(theirs[view])
  expect(Object.keys(rows)).toHaveLength(entities)
  expect(await ours.materialize([view], signal)).toEqual(rows)
})

test('an increment begins where the rows of the sources may be served from', async ({ signal }) => {
  const rows = rowsOf(theirs['an increment of of_two'])
  expect(Object.keys(rows).length).toBeGreaterThan(200)
  const increment = { start: undefined, end: WINDOW.end }
  expect(await ours.materialize(['of_two'], signal, increment)).toEqual(rows)
  expect(rows).not.toEqual(theirs['of_two'])
})

test('of sources with events at several times, the newest combination is stored, and in Feast the oldest', async ({
  signal,
}) => {
  const rows = rowsOf(theirs['of_two_times'])
  const left = await ours.materialize(['of_two_times'], signal)
  expect(Object.keys(left).toSorted()).toEqual(Object.keys(rows).toSorted())
  // Rides of the 100th driver: the 400th in the 40th hour, the 700th in the 70th, a grade in the 68th.
  expect(Object.values(left[DRIVER_100] ?? {})).toContain(doubleOf(Math.fround(700 / 7)))
  expect(Object.values(rows[DRIVER_100] ?? {})).toContain(doubleOf(400 / 7))
})

test('an entity without a young row of one source has nulls of it, and in Feast is left out', async ({
  signal,
}) => {
  expect(theirs['of_long_ago']).toEqual({ rows: {} })
  const left = await ours.materialize(['of_long_ago'], signal)
  expect(Object.keys(left)).toHaveLength(300)
  const values = Object.values(left[DRIVER_100] ?? {})
  expect(values.toSorted()).toEqual(['', '', '2064', doubleOf(700 / 7)].toSorted())
})

test.for([
  {
    view: 'asks',
    there: { error: "KeyError: 'factor'" },
    here: { code: 'transform_failed', message: "On demand feature view 'asks' failed" },
  },
  {
    view: 'not_stored',
    there: {
      error:
        'ValueError: OnDemandFeatureView not_stored is not configured for write_to_online_store.',
    },
    here: {
      code: 'invalid_request',
      message: 'OnDemandFeatureView not_stored is not configured for write_to_online_store.',
    },
  },
  {
    view: 'only_asks',
    there: { rows: {} },
    here: {
      code: 'invalid_request',
      message:
        "On demand feature view 'only_asks' computes from request data alone, which has no history",
    },
  },
  {
    view: 'of_other_keys',
    there: { rows: {} },
    here: {
      code: 'invalid_request',
      message: expect.stringMatching(
        /^On demand feature view 'of_other_keys' computes from (rides|shops), which has other join keys$/,
      ),
    },
  },
])('$view is refused', async ({ view, there, here }, { signal }) => {
  expect(theirs[view]).toEqual(there)
  await expect(ours.materialize([view], signal)).rejects.toMatchObject(here)
})

test('a view of the mode python, which Feast computes, is refused by name', async ({ signal }) => {
  expect(Object.keys(rowsOf(theirs['in_python']))).toHaveLength(300)
  await expect(ours.materialize(['in_python'], signal)).rejects.toMatchObject({
    code: 'not_supported',
    message: expect.stringContaining("'in_python' is of the mode python"),
  })
})

test('nulls that were computed are written, and in Feast left out where there is nothing else', async ({
  signal,
}) => {
  expect(theirs['of_nulls']).toEqual({ rows: {} })
  expect(Object.keys(await ours.materialize(['of_nulls'], signal))).toHaveLength(300)
})

/** A stored double, as hexadecimal digits. */
function doubleOf(value: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return `29${bytes.toString('hex')}`
}

function rowsOf(left: Left | undefined): Rows {
  if (left === undefined || 'error' in left) throw new Error(JSON.stringify(left))
  return left.rows
}

async function openOurs(folder: string, url: string, signal: AbortSignal) {
  const client = new Redis(url)
  disposals.push(() => client.disconnect())
  const config = await readRepoConfig(folder, {})
  const registry = openRegistry(config.registry, config.project)
  disposals.push(async () => await registry.close())
  const store = openOnlineStore(config.onlineStore, config.project, { onError: () => {} })
  disposals.push(async () => await store.close())
  await untilReady(store, signal)
  const { transform, close } = await openTransformer(config)
  disposals.push(close)
  const clock = { now: () => START + 1_000 * HOUR }
  const materializer = createMaterializer({ registry, store, clock, directory: folder, transform })
  return {
    async materialize(
      views: readonly string[],
      run: AbortSignal,
      window: Pick<MaterializationJob, 'start' | 'end'> = WINDOW,
    ): Promise<Rows> {
      await client.flushall()
      const job = { views, ...window, ignoreEventTimestamps: false }
      await materializer.run(job, run)
      const keys = await client.keysBuffer('*')
      const hashes = await Promise.all(
        keys.map(async (key) => [key.toString('hex'), await hash(key)]),
      )
      return Object.fromEntries(hashes) as Rows
    },
  }

  async function hash(key: Buffer): Promise<Readonly<Record<string, string>>> {
    const reply = (await client.callBuffer('HGETALL', key)) as Buffer[]
    const pairs = reply.flatMap((field, i) =>
      i % 2 === 0 ? [[field, reply[i + 1] ?? Buffer.alloc(0)] as const] : [],
    )
    return Object.fromEntries(
      pairs.map(([field, value]) => [
        field.toString('hex'),
        field.toString().startsWith('_ts:') ? '' : value.toString('hex'),
      ]),
    )
  }
}
