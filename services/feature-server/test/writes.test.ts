import type { OfflineColumn, OfflineWriter } from '@usdcop/feast/registry/offline-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askFor, demo, detailIn, post, row } from './demo.ts'
import { TOKENS, temporaryStore, testApp } from './feature-server.ts'

describe('writing', () => {
  const store = temporaryStore('demo')
  const appended: { source: string; columns: readonly OfflineColumn[] }[] = []
  const offlineWriter: OfflineWriter = {
    append: async (_view, source, columns) => {
      appended.push({ source: source.name, columns })
    },
  }
  const app = testApp({ registry: demo, store, offlineWriter })
  beforeAll(async () => await app.ready())
  afterAll(async () => {
    await app.close()
    await store[Symbol.asyncDispose]()
  })
  const rateOf = async (view: string, driver: number) => {
    const body = { entities: { driver_id: [driver] }, features: [`${view}:${view}_rate`] }
    const reply = await app.inject(post('/get-online-features', body))
    return reply.json<{ results: { values: unknown[] }[] }>().results[1]?.values[0]
  }

  test.for(['at', 'event_timestamp'])(
    '/write-to-online-store takes the frame of the SDK with its time in %s',
    async (column) => {
      const df = {
        driver_id: [7],
        trips_rate: [0.25],
        [column]: ['2025-03-03T15:30:00'],
        created: [null],
      }
      const body = { feature_view_name: 'trips', df, allow_registry_cache: false }
      const reply = await app.inject(post('/write-to-online-store', body, TOKENS.writer))
      expect([reply.statusCode, reply.body]).toEqual([200, 'null'])
      expect(reply.headers['content-type']).toBe('application/json; charset=utf-8')
      expect(await rateOf('trips', 7)).toBe(0.25)
    },
  )

  test('a push to history is typed by the definitions and leaves the online store alone', async () => {
    appended.length = 0
    const body = { push_source_name: 'stats_push', df: row('stats', 1, '31'), to: 'offline' }
    const reply = await app.inject(post('/push', body, TOKENS.writer))
    expect([reply.statusCode, reply.body]).toEqual([200, ''])
    expect(appended).toEqual([
      {
        source: 'stats_file',
        columns: [
          { name: 'driver_id', valueType: 'INT64', values: [{ type: 'INT64', value: 31n }] },
          { name: 'stats_rate', valueType: 'DOUBLE', values: [{ type: 'DOUBLE', value: 1 }] },
          { name: 'at', valueType: 'INSTANT', values: [Date.UTC(2025, 2, 3, 15, 30)] },
        ],
      },
    ])
    expect(await rateOf('stats', 31)).toBeNull()
  })

  test('a push to both writes both', async () => {
    appended.length = 0
    const body = {
      push_source_name: 'stats_push',
      df: row('stats', 2, 32),
      to: 'online_and_offline',
    }
    expect((await app.inject(post('/push', body, TOKENS.writer))).statusCode).toBe(200)
    expect(appended).toHaveLength(1)
    expect(await rateOf('stats', 32)).toBe(2)
  })

  test('a push whose columns history does not have writes nowhere', async () => {
    appended.length = 0
    const df = { ...row('stats', 3, 33), colour: ['red'] }
    const body = { push_source_name: 'stats_push', df, to: 'online_and_offline' }
    const reply = await app.inject(post('/push', body, TOKENS.writer))
    expect(reply.statusCode).toBe(422)
    expect(detailIn(reply.body).message).toContain('extra_unexpected_columns: [colour]')
    expect(appended).toEqual([])
    expect(await rateOf('stats', 33)).toBeNull()
  })

  test.for([
    { name: 'no fields', body: {}, status: 422, says: 'feature_view_name' },
    {
      name: 'a frame that is a list',
      body: { feature_view_name: 'trips', df: [] },
      status: 422,
      says: 'dict_type',
    },
    {
      name: 'an unknown view',
      body: { feature_view_name: 'nowhere', df: {} },
      status: 404,
      says: 'FeatureViewNotFoundException',
    },
    {
      name: 'unequal columns',
      body: { feature_view_name: 'trips', df: { a: [1], b: [] } },
      status: 422,
      says: 'same length',
    },
    {
      name: 'a key of another type',
      body: { feature_view_name: 'trips', df: row('trips', 1, 'x') },
      status: 422,
      says: 'INT64',
    },
  ])('/write-to-online-store refuses $name', async ({ body, status, says }) => {
    const reply = await app.inject(post('/write-to-online-store', body, TOKENS.writer))
    expect(reply.statusCode).toBe(status)
    expect(reply.body).toContain(says)
  })

  test('tells how old the newest event of each view is', async () => {
    const { body } = await app.inject('/metrics')
    expect(body).toMatch(
      /feast_feature_freshness_seconds\{feature_view="trips",project="demo",.*\} -?\d+/,
    )
  })
})

test('says that it keeps no history', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store })
  const body = { push_source_name: 'stats_push', df: row('stats'), to: 'offline' }
  const reply = await app.inject(post('/push', body, TOKENS.writer))
  expect(reply.statusCode).toBe(501)
  expect(detailIn(reply.body).message).toContain('without an offline store')
})

test.for([
  { limits: { rows: 1 }, says: '2 rows are more than 1' },
  { limits: { cells: 5 }, says: '2 rows of 3 features are more than 5 values' },
])('refuses a frame over its limits: $says', async ({ limits, says }) => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, limits })
  const df = { driver_id: [1, 2], trips_rate: [1, 2], at: ['2025-03-03', '2025-03-03'] }
  const body = { feature_view_name: 'trips', df }
  const reply = await app.inject(post('/write-to-online-store', body, TOKENS.writer))
  expect([reply.statusCode, detailIn(reply.body).message]).toEqual([413, says])
})

test('refuses more values than one answer may hold', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, limits: { cells: 1 } })
  const asked = askFor('stats:stats_rate', 'trips:trips_rate')
  const reply = await app.inject(post('/get-online-features', asked))
  expect([reply.statusCode, detailIn(reply.body).message]).toEqual([
    413,
    '1 rows of 2 features are more than 1 values',
  ])
})
