import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connectRedis } from '@usdcop/feast/stores/redis-store'
import type { FeatureSchema } from '@usdcop/feature-client/schema'
import { type FeastSaid, feastSays } from '@usdcop/tests/support/feast-cli'
import { type OwnRedis, startOwnRedis } from '@usdcop/tests/support/redis'
import { freePort } from '@usdcop/tests/support/redis-node'
import type { Command } from 'commander'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { feastCommand } from '../../src/commands/feast.ts'
import { runCommand } from '../../src/program.ts'
import { usdcop } from '../usdcop.ts'
import { appliedByFeast, featureStoreYaml, type Repositories } from './repositories.ts'
import { TYPED } from './typed-definitions.ts'

// One after the other, on the same two repositories: what one test writes, the next reads.

let redis: OwnRedis
let repositories: Repositories

beforeAll(async () => {
  redis = await startOwnRedis()
  repositories = await appliedByFeast(redis.url, AbortSignal.timeout(110_000))
}, 120_000)

afterAll(async () => {
  await repositories[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
})

const drivers = async (...args: string[]) =>
  await usdcop('feast', '-c', repositories.drivers, ...args)

test('lists and describes what Feast applied, as Feast does', async ({ signal }) => {
  const theirs = await feastSays(repositories.drivers, LISTED, signal)
  expect(theirs.filter(({ code }) => code === 0)).toHaveLength(LISTED.length)
  for (const said of theirs)
    expect(await ours(said)).toEqual({ ...said, stdout: inOrder(said.stdout) })

  const described = await feastSays(repositories.drivers, DESCRIBED, signal)
  for (const { args, code, stdout } of described) {
    const { stdout: said, ...rest } = await ours({ args })
    expect(rest).toEqual({ args, code })
    expect(comparable(said)).toEqual(comparable(stdout))
  }

  async function ours({ args }: Pick<FeastSaid, 'args'>): Promise<FeastSaid> {
    const { code, stdout } = await drivers(...args)
    return { args, code, stdout }
  }
})

/** A set of Python's, whose order is another each time. */
function inOrder(text: string): string {
  return text.replaceAll(/\{(?<items>'[^{}:]*')\}/g, (_set, items: string) => {
    return `{${items.split(', ').sort().join(', ')}}`
  })
}

const LISTED = [
  ['entities', 'list'],
  ['entities', 'list', '--tags', 'team:a'],
  ['entities', 'describe', 'city'],
  ['feature-views', 'list'],
  ['feature-views', 'list', '--tags', 'team:a, level:gold'],
  ['feature-views', 'list-versions', 'driver_stats'],
  ['feature-views', 'list-versions', 'with_bonus'],
  ['feature-views', 'list-versions', 'streamed_stats'],
  ['feature-views', 'list-versions', 'nothing'],
  ['feature-services', 'list'],
  ['data-sources', 'list'],
  ['data-sources', 'describe', 'driver_history'],
  ['on-demand-feature-views', 'list'],
  ['stream-feature-views', 'list'],
  ['permissions', 'list'],
  ['permissions', 'describe', 'readers'],
  ['features', 'list'],
  ['features', 'list', '--output', 'json'],
  ['projects', 'list'],
  ['projects', 'describe', 'others'],
]

const DESCRIBED = [
  ['entities', 'describe', 'driver'],
  ['feature-views', 'describe', 'driver_stats'],
  ['feature-views', 'describe', 'pushed_stats'],
  ['feature-views', 'describe', 'all_stats'],
  ['feature-services', 'describe', 'driver_service'],
  ['data-sources', 'describe', 'driver_stream'],
  ['data-sources', 'describe', 'asked'],
  ['on-demand-feature-views', 'describe', 'with_bonus'],
  ['on-demand-feature-views', 'describe', 'doubled'],
  ['stream-feature-views', 'describe', 'streamed_stats'],
  ['projects', 'describe', 'drivers'],
  ['projects', 'current_project'],
]

const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)

/**
 * YAML without what Feast makes anew each time it describes: pickles, times of request sources, and the
 * order of a stream view's features.
 */
function comparable(text: string): unknown {
  const withoutThem = (key: unknown, value: unknown): unknown => {
    if (key === 'body') return undefined
    if (key === 'features') return (value as object[]).toSorted(byText)
    return key === 'requestDataSource' ? { ...(value as object), meta: undefined } : value
  }
  return parse(text, withoutThem, { version: '1.1' })
}

test('says what is not there in the words of Feast', async ({ signal }) => {
  const verbs = ['entities', 'feature-views', 'feature-services', 'data-sources', 'permissions']
  const unknown = [...verbs, 'projects'].map((verb) => [verb, 'describe', 'nothing'])
  for (const { args, code, stdout } of await feastSays(repositories.drivers, unknown, signal)) {
    const ours = await drivers(...args)
    expect(ours).toEqual({ code, stdout: '', stderr: `usdcop: ${stdout}` })
  }
})

test('dumps a registry as Feast does, and one that Feast cannot dump', async ({ signal }) => {
  const [theirs] = await feastSays(repositories.others, [['registry-dump']], signal)
  const ours = await usdcop('feast', '-c', repositories.others, 'registry-dump')
  expect(ours.code).toBe(0)
  expect(ours.stdout).toEqual(theirs?.stdout)

  const dump = JSON.parse((await drivers('registry-dump')).stdout)
  expect(dump.onDemandFeatureViews[1].spec.featureTransformation.userDefinedFunction.body).toMatch(
    /^@on_demand_feature_view/,
  )
})

test('has every verb and flag of Feast but those that docs/feast.md names, which it says it has not', async ({
  signal,
}) => {
  const command = feastCommand({ ...process, signal })
  const missing: string[] = []
  await compare(command, [])
  const page = await readFile(new URL('../../../../docs/feast.md', import.meta.url), 'utf8')
  const [, named = ''] = /^### Not here\n(.*?)^##/ms.exec(page) ?? []
  const names = [...named.matchAll(/`(?<name>[^`]+)`/g)].flatMap(
    ({ groups }) => groups?.['name'] ?? [],
  )
  expect(missing.length).toBeGreaterThan(20)
  expect(missing.toSorted()).toEqual(names.toSorted())
  expect(await drivers('apply', '--no-promote')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown option '--no-promote'"),
  })
  expect(await drivers('get-historical-features')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("unknown command 'get-historical-features'"),
  })

  /** Feast's own help of a verb, against ours. */
  async function compare(ours: Command, path: readonly string[]): Promise<void> {
    const [said] = await feastSays(repositories.drivers, [[...path, '--help']], signal)
    const { flags, verbs } = namesIn(said?.stdout ?? '')
    const has = ours.options.map(({ long }) => long)
    for (const flag of flags) if (!has.includes(flag)) missing.push([...path, flag].join(' '))
    for (const verb of verbs) {
      const found = ours.commands.find((each) => each.name() === verb)
      if (found === undefined) missing.push([...path, verb].join(' '))
      else await compare(found, [...path, verb])
    }
  }
})

function namesIn(help: string): { readonly flags: string[]; readonly verbs: string[] } {
  const [options = '', commands = ''] = help.split(/^Commands.*:$/m)
  const flags = [...options.matchAll(/^ {2}(?:-\w, )?(?<flag>--[\w-]+)/gm)]
  const verbs = [...commands.matchAll(/^ {2}(?<verb>[\w-]+) /gm)]
  return {
    flags: flags
      .flatMap(({ groups }) => groups?.['flag'] ?? [])
      .filter((flag) => flag !== '--help'),
    verbs: verbs.flatMap(({ groups }) => groups?.['verb'] ?? []),
  }
}

test('types a client by what Feast applied', async () => {
  const file = join(repositories.drivers, 'client-types.ts')
  expect(await drivers('client-types', '--out', file)).toMatchObject({ code: 0, stderr: '' })
  expect(await drivers('client-types', '--out', file, '--check')).toMatchObject({ code: 0 })
  const { driversFeatures } = (await import(pathToFileURL(file).href)) as {
    driversFeatures: FeatureSchema
  }
  const driver = { driver_id: 'INT64' }
  const computed = { rate_and_bonus: 'DOUBLE' }
  expect(driversFeatures).toMatchObject({
    project: 'drivers',
    views: {
      driver_stats: {
        entities: driver,
        features: { conv_rate: 'DOUBLE', scores: 'FLOAT_LIST', seen: 'UNIX_TIMESTAMP' },
        timestampField: 'happened',
      },
      all_stats: { entities: {}, features: { trips: 'INT64' } },
      with_bonus: { entities: { ...driver, bonus: 'DOUBLE' }, features: computed },
    },
    services: {
      driver_service: {
        entities: { ...driver, bonus: 'DOUBLE' },
        features: { renamed: { conv_rate: 'DOUBLE', trips: 'INT64' }, with_bonus: computed },
      },
    },
    pushSources: {
      driver_push: {
        entities: { ...driver, city: 'STRING' },
        features: { trips: 'INT64' },
        timestampField: 'happened',
        createdTimestampField: 'made',
      },
    },
  })
})

test('leaves definitions in Python to Feast', async () => {
  const { code, stderr } = await drivers('apply')
  expect(code).toBe(1)
  expect(stderr).toContain('is defined in Python, which Feast itself applies')
})

const ASKED = ['driver_id=1001', 'driver_id=1', 'driver_id=1005'].flatMap((key) => ['-e', key])
const FEATURES = ['conv_rate', 'trips', 'note', 'scores', 'seen'].flatMap((feature) => [
  '-f',
  `driver_stats:${feature}`,
])
const GET = ['get-online-features', ...ASKED, ...FEATURES.slice(0, -2)]

test('materializes, and reads what it wrote as Feast reads it', async ({ signal }) => {
  const window = ['2026-01-01', '2026-01-05T00:00:00']
  const done = await drivers('materialize', ...window, '-v', 'driver_stats', '--json')
  expect(done).toEqual({ code: 0, stderr: '', stdout: expect.any(String) })
  expect(JSON.parse(done.stdout)).toEqual([
    {
      view: 'driver_stats',
      rows: 20,
      older: 0,
      start: '2026-01-01T00:00:00.000Z',
      end: '2026-01-05T00:00:00.000Z',
    },
  ])
  const next = await drivers('materialize-incremental', '2026-01-09T00:00:00', '-v', 'driver_stats')
  expect(next.stdout).toContain('Materializing 1 feature views to 2026-01-09 00:00:00+00:00')
  expect(next.stdout).toContain(
    'driver_stats from 2026-01-05 00:00:00+00:00 to 2026-01-09 00:00:00+00:00: 20 rows',
  )

  const verbs = [GET, ['feature-views', 'list']]
  const [got, listed] = await feastSays(repositories.drivers, verbs, signal)
  const ours = await drivers(...GET)
  expect(ours).toEqual({ code: 0, stderr: '', stdout: expect.any(String) })
  expect(JSON.parse(got?.stdout ?? '').trips).toEqual([181, null, 185])
  expect(JSON.parse(ours.stdout)).toEqual(JSON.parse(got?.stdout ?? ''))
  expect(ours.stdout).toContain('"nota \\u00f1 181"')
  expect(listed?.stdout).toContain('AVAILABLE_ONLINE')
  expect((await drivers('feature-views', 'list')).stdout).toBe(inOrder(listed?.stdout ?? ''))
})

test('reads what Feast materialized', async ({ signal }) => {
  const [done, got] = await feastSays(
    repositories.others,
    [
      ['materialize', '2026-01-01', '2026-02-01'],
      ['get-online-features', '-e', 'driver_id=1003', '-f', 'driver_stats:trips'],
    ],
    signal,
  )
  expect(done?.code).toBe(0)
  const args = ['get-online-features', '-e', 'driver_id=1003', '-f', 'driver_stats:trips']
  const ours = await usdcop('feast', '-c', repositories.others, ...args)
  expect(ours.stdout).toBe(got?.stdout)
})

test('serves a repository that Feast applied and filled', async ({ signal }) => {
  const port = await freePort()
  const stop = new AbortController()
  const args = ['feast', '-c', repositories.others, 'serve', '-p', String(port)]
  const { env, stdout, stderr } = process
  const ended = runCommand(args, { env, signal: stop.signal, stdout, stderr })
  try {
    const body = { features: ['driver_stats:trips'], entities: { driver_id: [1003, 5] } }
    const reply = await vi.waitFor(
      async () => {
        const request = { method: 'POST', body: JSON.stringify(body), signal }
        return await fetch(`http://127.0.0.1:${port}/get-online-features`, request)
      },
      { timeout: 20_000, interval: 200 },
    )
    const { results } = (await reply.json()) as { results: { values: unknown[] }[] }
    expect(results.map(({ values }) => values)).toEqual([
      [1003, 5],
      [183, null],
    ])
  } finally {
    stop.abort()
  }
  expect(await ended).toBe(0)
})

test('tears down its own project and no other', async ({ signal }) => {
  const client = connectRedis(redis.url, () => {})
  await once(client, 'ready')
  try {
    expect(await client.keys('*drivers')).toHaveLength(20)
    expect(await client.keys('*others')).toHaveLength(20)
    expect(await drivers('teardown', '--json')).toEqual({
      code: 0,
      stderr: '',
      stdout: '{"project":"drivers","entities":20}\n',
    })
    expect(await client.keys('*drivers')).toEqual([])
    expect(await client.keys('*others')).toHaveLength(20)
  } finally {
    client.disconnect()
  }
  const [projects, views] = await feastSays(
    repositories.others,
    [
      ['projects', 'list'],
      ['feature-views', 'list'],
    ],
    signal,
  )
  expect(projects?.stdout).toContain('others')
  expect(projects?.stdout).not.toContain('drivers')
  expect(views?.stdout).toContain('driver_stats')
})

test('applies definitions in TypeScript, which Feast then reads', async ({ signal }) => {
  const repository = join(repositories.folder, 'typed')
  await mkdir(repository)
  const yaml = featureStoreYaml('typed', new URL(redis.url).host)
  await writeFile(join(repository, 'feature_store.yaml'), yaml)
  await writeFile(join(repository, 'features.ts'), TYPED)
  const typed = async (...args: string[]) => await usdcop('feast', '-c', repository, ...args)

  const planned = await typed('plan')
  expect(planned).toMatchObject({ code: 0, stderr: '' })
  expect(planned.stdout).toContain('Created entity driver\n')
  expect(planned.stdout).toContain('Created feature view typed_stats\n')
  const applied = await typed('apply')
  expect(applied).toMatchObject({ code: 0, stderr: '' })
  expect(applied.stdout).toContain('Applying changes for project typed\n')
  expect((await typed('plan')).stdout).toBe(
    'No changes to registry\nNo changes to infrastructure\n',
  )

  const lists = ['entities', 'feature-views', 'feature-services', 'data-sources'].map((group) => [
    group,
    'list',
  ])
  for (const { args, stdout } of await feastSays(repository, lists, signal)) {
    expect(stdout.trimEnd().split('\n')).toHaveLength(2)
    expect((await typed(...args)).stdout).toBe(stdout)
  }

  // A module is read once in a process: the other schema has a folder of its own.
  const next = join(repositories.folder, 'typed-next')
  await mkdir(next)
  await writeFile(join(next, 'feature_store.yaml'), yaml)
  await writeFile(
    join(next, 'features.ts'),
    TYPED.replace("'trips', valueType", "'rate', valueType").replace("['trips']", "['rate']"),
  )
  expect(await usdcop('feast', '-c', next, 'apply')).toMatchObject({ code: 0, stderr: '' })
  const versions = ['feature-views', 'list-versions', 'typed_stats']
  const [listed] = await feastSays(repository, [versions], signal)
  expect(listed?.stdout.trimEnd().split('\n')).toHaveLength(3)
  expect((await typed(...versions)).stdout).toBe(listed?.stdout)
  const asJson = JSON.parse((await typed(...versions, '--json')).stdout) as object[]
  expect(asJson).toMatchObject([
    { version: 'v0' },
    { version: 'v1', featureViewType: 'feature_view' },
  ])
})
