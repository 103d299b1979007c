import type { OwnRedis } from '@usdcop/tests/support/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EVERY_KIND } from './drop-in/one-each.ts'
import { type Answer, post } from './drop-in/post.ts'
import { besideFeast, type Server, WRITER } from './drop-in/servers.ts'

const world = new AsyncDisposableStack()
let redis: OwnRedis
let feast: Server
let ours: Server

beforeAll(async () => {
  ;({ redis, feast, ours } = await besideFeast(world, 'FEAST_REPO'))
})
afterAll(async () => await world.disposeAsync())

const AT = '2025-03-03T15:30:00Z'
const STATS = { conv_rate: [0.5], acc_rate: [1], trips: [3] }
const STATIONS = { station_id: [1], level: [0.5] }
const NULLS = Object.fromEntries(Object.keys(EVERY_KIND).map((name) => [name, [null]]))
const read = (features: readonly string[], entities: object) =>
  ['/get-online-features', { features, entities }] as const
const push = (df: object) => ['/push', { push_source_name: 'driver_push', df }] as const
const write = (feature_view_name: string, df: object) =>
  ['/write-to-online-store', { feature_view_name, df }] as const

interface Situation {
  /** The first cell of the page's row. */
  readonly row: string
  readonly of?: string
  readonly sent: readonly [path: string, body: object | string]
  readonly theirs: number
  readonly ours: number
}

/** Rows of docs/feast-compatibility.md that one request shows: what it is answered with, by each. */
const SITUATIONS: readonly Situation[] = [
  {
    row: 'a body over 4 MiB, 100,000 rows, 250,000 values',
    sent: read(['station_level:level'], { station_id: [1], note: ['x'.repeat(4_300_000)] }),
    theirs: 200,
    ours: 413,
  },
  {
    row: 'body nested too deeply',
    sent: ['/get-online-features', `{"entities":${'['.repeat(50_000)}${']'.repeat(50_000)}}`],
    theirs: 400,
    ours: 422,
  },
  ...(
    [
      ['no window', {}],
      ['a broken start', { start_ts: 'soon', end_ts: AT }],
      ['no length', { start_ts: AT, end_ts: AT }],
    ] as const
  ).map(
    ([of, body]): Situation => ({
      row: 'window of `/materialize` that is missing, malformed or ends where it starts',
      of,
      sent: ['/materialize', body],
      theirs: 500,
      ours: 422,
    }),
  ),
  ...(
    [
      ['out of use', { feature_views: ['not_in_use'] }],
      ['kept offline', { feature_views: ['offline_only'] }],
      ['a version', { feature_views: ['driver_stats'], version: 'newest' }],
    ] as const
  ).map(
    ([of, body]): Situation => ({
      row: 'view that is disabled or not served online, bad `version`, of `/materialize`',
      of,
      sent: ['/materialize', { start_ts: '2025-01-01', end_ts: AT, ...body }],
      theirs: 500,
      ours: 422,
    }),
  ),
  {
    row: 'event times of one column in several formats',
    sent: push({
      driver_id: [9_001, 9_002],
      conv_rate: [0.5, 0.5],
      acc_rate: [1, 1],
      trips: [3, 3],
      event_timestamp: [AT, '2025-03-03 10:30:00-05:00'],
    }),
    theirs: 500,
    ours: 200,
  },
  {
    row: 'a key of a time as ISO text',
    sent: [
      '/push',
      {
        push_source_name: 'moment_push',
        df: { moment_id: [AT], height: [1.5], event_timestamp: [AT] },
      },
    ],
    theirs: 500,
    ours: 200,
  },
  {
    row: 'written time under `event_timestamp` where the source names it otherwise',
    sent: write('timed_elsewhere', { driver_id: [1], speed: [0.5], event_timestamp: [AT] }),
    theirs: 500,
    ours: 200,
  },
  {
    row: 'bare number as event time',
    sent: push({ driver_id: [9_003], ...STATS, event_timestamp: [1_741_015_800] }),
    theirs: 200,
    ours: 422,
  },
  {
    row: 'entity text with a lone surrogate',
    sent: [
      '/get-online-features',
      String.raw`{"features":["every_type:f_string"],"entities":{"customer_id":["\ud800"]}}`,
    ],
    theirs: 500,
    ours: 422,
  },
  ...['uuid', 'decimal'].map(
    (kind): Situation => ({
      row: 'JSON text of a UUID or decimal that is none',
      of: kind,
      sent: write('every_kind', {
        customer_id: ['d-none'],
        ...NULLS,
        [kind]: ['none'],
        event_timestamp: [AT],
      }),
      theirs: 200,
      ours: 422,
    }),
  ),
  {
    row: 'zoned timestamp in a written frame',
    sent: write('every_kind', {
      customer_id: ['d-zoned'],
      ...NULLS,
      zoned_timestamp: ['2025-03-03T10:30:00-05:00'],
      event_timestamp: [AT],
    }),
    theirs: 500,
    ours: 200,
  },
]

describe('what docs/feast-compatibility.md says of both servers is so', () => {
  test.for(
    SITUATIONS.map((situation) => {
      const { row, of } = situation
      return { ...situation, name: of === undefined ? row : `${row}: ${of}` }
    }),
  )('$name: $theirs, here $ours', async ({ sent, ...expected }, { signal }) => {
    const [theirs, our] = [await ask(feast, sent, signal), await ask(ours, sent, signal)]
    const told = `${theirs.body.slice(0, 300)} → ${our.body.slice(0, 300)}`
    expect({ theirs: theirs.status, ours: our.status, told }).toEqual({
      theirs: expected.theirs,
      ours: expected.ours,
      told,
    })
  })

  test('writing without a token: Feast takes it, here nobody does', async ({ signal }) => {
    const [path, body] = write('station_level', { ...STATIONS, event_timestamp: [AT] })
    const send = async ({ url }: Server) => await post(url + path, JSON.stringify(body), signal)
    expect([(await send(feast)).status, (await send(ours)).status]).toEqual([200, 401])
  })

  test('rows timed before 1970: Feast lets an older one win', async ({ signal }) => {
    const level = async (server: Server, station: number) => {
      for (const [value, time] of [
        [2, '1960-01-01T00:00:00Z'],
        [1, '1950-01-01T00:00:00Z'],
      ] as const) {
        const df = { station_id: [station], level: [value], event_timestamp: [time] }
        expect((await ask(server, write('station_level', df), signal)).status).toBe(200)
      }
      const { body } = await ask(
        server,
        read(['station_level:level'], { station_id: [station] }),
        signal,
      )
      return (JSON.parse(body) as { results: { values: unknown[] }[] }).results[1]?.values
    }
    expect([await level(feast, 8_001), await level(ours, 8_002)]).toEqual([[1], [2]])
  })

  test('a push to an entity-less view: Feast writes where no read looks', async ({ signal }) => {
    const sum = async (server: Server) => {
      const df = { sum: [4], event_timestamp: [AT] }
      const sent = ['/push', { push_source_name: 'total_push', df }] as const
      expect((await ask(server, sent, signal)).status).toBe(200)
      const { body } = await ask(server, read(['pushed_total:sum'], { any: [1] }), signal)
      return (JSON.parse(body) as { results: { values: unknown[] }[] }).results.at(-1)?.values
    }
    expect([await sum(feast), await sum(ours)]).toEqual([[null], [4]])
  })

  test.for(['/search', '/retrieve-online-documents', '/v1/vector_stores/x/search', '/chat'])(
    'not served here: POST %s is 404, which Feast has',
    async (path, { signal }) => {
      const [theirs, our] = [
        await ask(feast, [path, {}], signal),
        await ask(ours, [path, {}], signal),
      ]
      expect(theirs.status).not.toBe(404)
      expect(our.status).toBe(404)
    },
  )

  test.for(['/v1/vector_stores', '/docs', '/redoc', '/chat'])(
    'not served here: GET %s is 404, which Feast has',
    async (path, { signal }) => {
      const [theirs, our] = await Promise.all([
        fetch(feast.url + path, { signal }),
        fetch(ours.url + path, { signal }),
      ])
      expect([theirs.status, our.status]).toEqual([200, 404])
    },
  )

  test('store down: 500 with its text, here 503 without a word about it', async ({ signal }) => {
    await redis.down()
    const sent = read(['station_level:level'], { station_id: [1] })
    const [theirs, our] = [await ask(feast, sent, signal), await ask(ours, sent, signal)]
    expect([theirs.status, our.status]).toEqual([500, 503])
    const { port } = new URL(redis.url)
    expect(theirs.body).toContain(port)
    expect(our.body).not.toContain(port)
  })
})

async function ask(
  { url }: Server,
  [path, body]: Situation['sent'],
  signal: AbortSignal,
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  return await post(url + path, text, signal, { authorization: `Bearer ${WRITER}` })
}
