import type { Definitions } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import type { Value } from '@usdcop/feast/wire/value-types'
import { startFeatureServer, TOKENS } from '@usdcop/tests/support/feature-server'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createFeatureClient } from '../src/client.ts'
import type { FeatureSchema } from '../src/schema.ts'
import { schemaOf } from '../src/schema-of.ts'

// The client beside the feature server itself: what is written comes back as it was.

const AT = Date.UTC(2025, 2, 3, 15, 30) + 250.001
const ZONED = { seconds: 1_741_015_800n, zone: 'America/Bogota' }
const nested: Value = { type: 'MAP', value: new Map([['n', { type: 'INT64', value: 2n ** 60n }]]) }

/** A stored value of every kind there is, and what the client makes of it. */
const STORED: readonly (readonly [value: NonNullable<Value>, told: unknown])[] = [
  [{ type: 'BYTES', value: Buffer.from([0, 255]) }, Buffer.from([0, 255])],
  [{ type: 'STRING', value: 'señal "1"' }, 'señal "1"'],
  [{ type: 'INT32', value: -7 }, -7],
  [{ type: 'INT64', value: 2n ** 63n - 1n }, 2n ** 63n - 1n],
  [{ type: 'DOUBLE', value: 0.1 }, 0.1],
  [{ type: 'FLOAT', value: Math.fround(0.1) }, Math.fround(0.1)],
  [{ type: 'BOOL', value: false }, false],
  [{ type: 'UNIX_TIMESTAMP', value: 1_741_015_800n }, 1_741_015_800n],
  [{ type: 'JSON', value: '{"a": 1}' }, '{"a": 1}'],
  [{ type: 'UUID', value: 'a'.repeat(32) }, 'a'.repeat(32)],
  [{ type: 'TIME_UUID', value: 'b'.repeat(32) }, 'b'.repeat(32)],
  [{ type: 'DECIMAL', value: '1.10' }, '1.10'],
  [{ type: 'BYTES_LIST', value: [Buffer.from('a')] }, [Buffer.from('a')]],
  [{ type: 'INT64_LIST', value: [1n, 2n ** 60n] }, [1n, 2n ** 60n]],
  [{ type: 'DOUBLE_LIST', value: [1, Number.NaN, -0] }, [1, Number.NaN, -0]],
  [{ type: 'UNIX_TIMESTAMP_SET', value: [1n, 2n] }, [1n, 2n]],
  [{ type: 'STRING_SET', value: ['a', 'b'] }, ['a', 'b']],
  [nested, { n: 2n ** 60n }],
  [{ type: 'STRUCT', value: new Map([['a', null]]) }, { a: null }],
  [{ type: 'MAP_LIST', value: [new Map([['b', { type: 'BOOL', value: true }]])] }, [{ b: true }]],
  [{ type: 'VALUE_LIST', value: [{ type: 'INT64_LIST', value: [1n] }, null] }, [[1], null]],
  [{ type: 'ZONED_TIMESTAMP', value: ZONED }, '2025-03-03T10:30:00-05:00'],
  // Feast's server prints none of it.
  [{ type: 'SCALAR_MAP', value: [] }, null],
]
const kinds = STORED.map(([value]) => ({ name: value.type.toLowerCase(), valueType: value.type }))

const DEFINITIONS: Definitions = {
  project: 'client',
  entities: [{ name: 'driver', joinKey: 'driver_id', valueType: 'INT64', tags: {} }],
  views: [
    {
      name: 'kinds',
      entities: ['driver'],
      features: kinds,
      ttlMs: 0,
      pushSource: undefined,
      tags: { definition_hash: 'def' },
    },
    {
      name: 'stats',
      entities: ['driver'],
      features: [
        { name: 'rate', valueType: 'DOUBLE' },
        { name: 'trips', valueType: 'INT64' },
        { name: 'seen', valueType: 'UNIX_TIMESTAMP' },
        { name: 'notes', valueType: 'STRING_LIST' },
        { name: 'more', valueType: 'MAP' },
      ],
      ttlMs: 60_000,
      pushSource: 'stats_push',
      tags: { definition_hash: 'def' },
    },
  ],
  services: [
    {
      name: 'model',
      projections: [
        {
          view: 'stats',
          features: ['rate', 'trips'],
          alias: 'mine',
          joinKeyMap: { driver_id: 'me' },
        },
      ],
      tags: {},
    },
  ],
  pushSources: [{ name: 'stats_push', timestampField: 'at' }],
}
const registry = createRegistry(DEFINITIONS)
const schema: FeatureSchema = schemaOf(registry)

let now = AT
let server: Awaited<ReturnType<typeof startFeatureServer>>
beforeAll(async () => {
  server = await startFeatureServer(registry, { clock: { now: () => now }, bindHost: '0.0.0.0' })
})
afterAll(async () => await server[Symbol.asyncDispose]())

function client(key = TOKENS.writer, options: object = { schema }) {
  const made = createFeatureClient({ url: server.url, key, deadlineMs: 10_000, ...options })
  onTestFinished(() => made.close())
  return made
}

const row = (driver: bigint, change: object = {}) => ({
  driver_id: driver,
  rate: 0.5,
  trips: 2n ** 60n,
  seen: new Date(1_741_015_800_999),
  notes: ['a', 'ñ'],
  more: { big: 2n ** 60n, text: 'x' },
  at: AT,
  ...change,
})
const STATS = ['rate', 'trips', 'seen', 'notes', 'more'].map((name) => `stats:${name}` as const)

describe('with a schema', () => {
  test('reads every type of value', async ({ signal }) => {
    const key = entityKey([['driver_id', { type: 'INT64', value: 1n }]])
    const values = new Map(STORED.map(([value]) => [value.type.toLowerCase(), value]))
    await server.store.write('kinds', [{ entityKey: key, eventTimestamp: AT, values }], signal)
    const features = kinds.map(({ name }) => `kinds:${name}` as const)
    const asked = { features, entities: { driver_id: [1n] } }
    const { rows, definitionHash } = await client().getOnlineFeatures(asked)
    expect(definitionHash).toBe('def')
    expect(rows).toEqual([
      {
        entities: { driver_id: 1n },
        features: Object.fromEntries(
          STORED.map(([{ type }, value]) => [
            type.toLowerCase(),
            { value, status: 'PRESENT', eventTimestamp: AT },
          ]),
        ),
      },
    ])
  })

  test('reads back what it pushed, to the microsecond and the digit', async () => {
    await client().push({ source: 'stats_push', rows: [row(2n), row(2n ** 55n + 1n, { rate: 1 })] })
    const entities = { driver_id: [2n ** 55n + 1n, 2n] }
    const { rows } = await client().getOnlineFeatures({ features: STATS, entities })
    const told = (value: unknown) => ({ value, status: 'PRESENT', eventTimestamp: AT })
    const stats = {
      trips: told(2n ** 60n),
      seen: told(1_741_015_800n),
      notes: told(['a', 'ñ']),
      more: told({ big: 2n ** 60n, text: 'x' }),
    }
    expect(rows).toEqual([
      { entities: { driver_id: 2n ** 55n + 1n }, features: { ...stats, rate: told(1) } },
      { entities: { driver_id: 2n }, features: { ...stats, rate: told(0.5) } },
    ])
  })

  test('tells every status', async () => {
    await client().writeToOnlineStore({
      view: 'stats',
      rows: [row(3n, { trips: null })],
    })
    const features = STATS.slice(0, 2)
    const asked = { features, entities: { driver_id: [3n, 404n] } }
    const statuses = async () => {
      const { rows } = await client().getOnlineFeatures(asked)
      return rows.map((one) =>
        Object.values(one.features).map(({ status, value }) => [status, value]),
      )
    }
    const unknown = [
      ['NOT_FOUND', null],
      ['NOT_FOUND', null],
    ]
    expect(await statuses()).toEqual([
      [
        ['PRESENT', 0.5],
        ['NULL_VALUE', null],
      ],
      unknown,
    ])
    now = AT + 60_001
    onTestFinished(() => {
      now = AT
    })
    expect(await statuses()).toEqual([
      [
        ['OUTSIDE_MAX_AGE', 0.5],
        ['NULL_VALUE', null],
      ],
      unknown,
    ])
  })

  test('knows the names that a service has given', async () => {
    await client().push({ source: 'stats_push', rows: [row(4n)] })
    const asked = { featureService: 'model', entities: { me: [4n] } }
    const { rows } = await client().getOnlineFeatures({ ...asked, fullFeatureNames: true })
    expect(
      Object.entries(rows[0]?.features ?? {}).map(([name, { value }]) => [name, value]),
    ).toEqual([
      ['mine__rate', 0.5],
      ['mine__trips', 2n ** 60n],
    ])
    const short = await client().getOnlineFeatures(asked)
    expect(Object.keys(short.rows[0]?.features ?? {})).toEqual(['rate', 'trips'])
  })
})

describe('without a schema', () => {
  test('writes and reads whatever there is, as its JSON is', async () => {
    const untyped = client(TOKENS.writer, {})
    const { at: _at, ...rest } = row(5n)
    await untyped.push({ source: 'stats_push', rows: [{ ...rest, at: new Date(AT) }] })
    const entities = { me: [5] }
    const { rows } = await untyped.getOnlineFeatures({ featureService: 'model', entities })
    expect(rows).toEqual([
      {
        entities: { me: 5 },
        features: {
          rate: { value: 0.5, status: 'PRESENT', eventTimestamp: Math.trunc(AT) },
          trips: { value: 2n ** 60n, status: 'PRESENT', eventTimestamp: Math.trunc(AT) },
        },
      },
    ])
  })
})

describe('what the server refuses', () => {
  const ask = (asked: object, key?: string) =>
    client(key).getOnlineFeatures({ entities: { driver_id: [1n] }, ...asked } as never)

  test.for<{ asked: object; code: string; feastClass: string; status: number }>([
    {
      asked: { features: ['nothing:f'] },
      code: 'feature_view_unknown',
      feastClass: 'FeatureViewNotFoundException',
      status: 404,
    },
    {
      asked: { features: ['stats:nothing'] },
      code: 'feature_unknown',
      feastClass: 'FeastError',
      status: 404,
    },
    {
      asked: { featureService: 'nothing' },
      code: 'feature_service_unknown',
      feastClass: 'FeatureServiceNotFoundException',
      status: 404,
    },
    {
      asked: { features: ['stats:rate'], entities: { driver_id: ['x'] } },
      code: 'invalid_request',
      feastClass: 'FeastError',
      status: 422,
    },
  ])('is told with code and class: $code', async ({ asked, code, feastClass, status }) => {
    await expect(ask(asked)).rejects.toMatchObject({ code, refusal: { feastClass, status } })
  })

  test('is told of pushes and materializations', async ({ signal }) => {
    const unknown = client(TOKENS.writer, {}).push({ source: 'nothing', rows: [{ a: 1 }] })
    await expect(unknown).rejects.toMatchObject({ code: 'push_source_unknown' })
    const offline = client().push({ source: 'stats_push', rows: [row(1n)], to: 'offline' })
    await expect(offline).rejects.toMatchObject({ code: 'not_supported' })
    const run = client().materialize({ start: 0, end: 1 }, signal)
    await expect(run).rejects.toMatchObject({ code: 'not_supported' })
  })

  test('is a request without a key, with a wrong one, or with a reader’s for writing', async () => {
    const features = ['stats:rate']
    await expect(ask({ features }, '')).rejects.toMatchObject({ code: 'unauthenticated' })
    await expect(ask({ features }, 'guessed')).rejects.toMatchObject({ code: 'unauthenticated' })
    const push = client(TOKENS.reader).push({ source: 'stats_push', rows: [row(1n)] })
    await expect(push).rejects.toMatchObject({ code: 'forbidden', refusal: { status: 403 } })
    expect((await ask({ features }, TOKENS.reader)).rows).toHaveLength(1)
  })

  test('is not even sent where it cannot be right', async () => {
    await expect(ask({ features: ['no colon'] })).rejects.toMatchObject({ code: 'invalid_request' })
    await expect(
      ask({ features: ['stats:rate'], entities: { driver_id: [1n], other: [] } }),
    ).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

test('a materialization is waited for, or only handed over', async ({ signal }) => {
  const jobs: unknown[] = []
  await using materializing = await startFeatureServer(
    createRegistry({
      ...DEFINITIONS,
      views: DEFINITIONS.views.map((view) => ({
        ...view,
        batchSource: { name: 'file', kind: 'BATCH_FILE', timestampField: 'at', tags: {} },
      })),
    }),
    {
      materializer: {
        async run(job) {
          jobs.push(job)
          return []
        },
      },
    },
  )
  await using one = createFeatureClient({ url: materializing.url, key: TOKENS.writer, schema })
  await one.materialize({ start: AT, end: new Date(AT + 60_000), views: ['stats'] }, signal)
  await one.materializeIncremental({ end: AT, views: ['kinds'], background: true }, signal)
  expect(jobs).toEqual([
    { views: ['stats'], start: AT, end: Math.trunc(AT + 60_000), ignoreEventTimestamps: false },
    { views: ['kinds'], start: undefined, end: AT, ignoreEventTimestamps: false },
  ])
})
