import type { OnDemandView } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { expect, onTestFinished, test } from 'vitest'
import { askOf, pushOf, temporaryStore, testApp } from './feature-server.ts'

const doubled: OnDemandView = {
  name: 'doubled',
  features: [{ name: 'twice', valueType: 'DOUBLE' }],
  projections: [],
  requestSources: [{ name: 'asked', schema: [{ name: 'given', valueType: 'DOUBLE' }] }],
  mode: 'python',
  tags: {},
}

async function ask(view: OnDemandView) {
  await using store = temporaryStore('demo')
  const registry = createRegistry({
    project: 'demo',
    entities: [],
    views: [],
    services: [],
    pushSources: [],
    onDemandViews: [view],
  })
  await using app = testApp({ registry, store })
  const reply = await app.inject(askOf({ features: ['doubled:twice'], entities: { given: [1.5] } }))
  return { status: reply.statusCode, body: reply.body }
}

const messageOf = (body: string) =>
  (JSON.parse(JSON.parse(body) as string) as { message: string }).message

test('computes a view from the request', async () => {
  const { status, body } = await ask({
    ...doubled,
    mode: 'typescript',
    transform: ({ given }) => ({
      twice: given?.type === 'DOUBLE' ? { type: 'DOUBLE', value: 2 * given.value } : null,
    }),
  })
  expect(status).toBe(200)
  expect(body).toBe(
    '{"results":[{"values":[3.0],"statuses":["PRESENT"],"event_timestamps":["1970-01-01T00:00:00Z"]}],' +
      '"metadata":{"feature_names":["twice"]}}',
  )
})

test.for([
  {
    mode: 'pandas' as const,
    remedy:
      ": name Feast's transformation service, which runs it, as " +
      'feature_server.transformation_service_endpoint in feature_store.yaml',
  },
  {
    mode: 'python' as const,
    remedy:
      ", and Feast's transformation service runs the mode pandas alone: define it in that mode",
  },
])('names a view of the mode $mode, and what would make it run', async ({ mode, remedy }) => {
  const { status, body } = await ask({ ...doubled, mode })
  expect(status).toBe(501)
  expect(messageOf(body)).toBe(
    `On demand feature view 'doubled' is of the mode ${mode}, which does not run here${remedy}`,
  )
})

const stored: OnDemandView = {
  ...doubled,
  mode: 'typescript',
  features: [
    { name: 'scaled', valueType: 'DOUBLE' },
    { name: 'rate', valueType: 'FLOAT' },
  ],
  projections: [{ view: 'stats', features: ['rate'] }],
  writeToOnlineStore: true,
  entities: ['driver'],
  transform: ({ stats__rate: rate, given }) => ({
    scaled:
      rate?.type === 'FLOAT' && given?.type === 'DOUBLE'
        ? { type: 'DOUBLE', value: rate.value * given.value }
        : null,
    rate: { type: 'FLOAT', value: 0.5 },
  }),
}

async function storing(view: OnDemandView) {
  const store = temporaryStore('demo')
  const stats = {
    name: 'stats',
    entities: ['driver'],
    features: [{ name: 'rate', valueType: 'FLOAT' }],
    ttlMs: 0,
    pushSource: undefined,
    tags: {},
  } as const
  const registry = createRegistry({
    project: 'demo',
    entities: [{ name: 'driver', joinKey: 'driver_id', valueType: 'INT64', tags: {} }],
    views: [stats],
    services: [],
    pushSources: [],
    onDemandViews: [view],
  })
  const app = testApp({ registry, store, now: Date.UTC(2026, 0, 2) })
  onTestFinished(async () => {
    await app.close()
    await store[Symbol.asyncDispose]()
  })
  const post = async (url: string, body: object) => {
    const reply = await app.inject({ ...pushOf(body), url })
    return { status: reply.statusCode, body: reply.body }
  }
  const write = async (df: object, more: object = {}) =>
    await post('/write-to-online-store', { feature_view_name: view.name, df, ...more })
  const ask = async (features: readonly string[], drivers: readonly unknown[]) =>
    await app.inject(askOf({ features, entities: { driver_id: drivers } }))
  const read = async (features: readonly string[], drivers: readonly unknown[]) => {
    const { results } = (await ask(features, drivers)).json() as {
      results: { values: unknown[]; event_timestamps: string[] }[]
    }
    return results.slice(1).map((each) => [each.values, each.event_timestamps[0]])
  }
  return { ask, post, read, write }
}

test('computes a stored view when it is written, and reads what it stored', async () => {
  const { write, read } = await storing(stored)
  // 0.1 is no number of 32 bits: it is rounded when it is stored, and not before.
  const df = { driver_id: [7, '8'], rate: [0.1, null], given: [10, 2], event_timestamp: ['a', 'b'] }
  expect(await write(df)).toEqual({ status: 200, body: 'null' })
  const at = '2026-01-02T00:00:00Z'
  const names = ['doubled:scaled', 'doubled:rate', 'doubled:driver_id']
  expect(await read(names, [7, 8, 9])).toEqual([
    [[1, null, null], at],
    [[0.5, 0.5, null], at],
    [[7, 8, null], at],
  ])
})

test('stores what it is given where it is told not to compute', async () => {
  const { transform: _gone, ...inPython } = { ...stored, mode: 'python' as const }
  const { write, read } = await storing(inPython)
  const given = { transform_on_write: false }
  const refused = await write({ driver_id: [7], scaled: [3] }, given)
  expect(refused.status).toBe(422)
  expect(messageOf(refused.body)).toBe('df has no column rate')
  expect(await write({ driver_id: [7], scaled: [3], rate: [1.5] }, given)).toMatchObject({
    status: 200,
  })
  expect((await read(['doubled:scaled', 'doubled:rate'], [7])).map(([values]) => values)).toEqual([
    [3],
    [1.5],
  ])
  const computed = await write({ driver_id: [7], rate: [1], given: [1] })
  expect(computed.status).toBe(501)
  expect(messageOf(computed.body)).toContain("'doubled' is of the mode python")
})

test.for<{ name: string; df: object; says: string }>([
  { name: 'a key', df: { rate: [1], given: [1] }, says: 'df has no column driver_id' },
  {
    name: 'a key of the type',
    df: { driver_id: [null], rate: [1], given: [1] },
    says: 'df: driver_id: null is not a valid INT64',
  },
  {
    name: 'an input of the type',
    df: { driver_id: [1], rate: ['x'], given: [1] },
    says: 'df: rate: "x" is not a valid DOUBLE',
  },
])('refuses to store a row without $name', async ({ df, says }) => {
  const { write, read } = await storing(stored)
  const { status, body } = await write(df)
  expect(status).toBe(422)
  expect(messageOf(body)).toBe(says)
  expect(await read(['doubled:scaled'], [1])).toEqual([[[null], '1970-01-01T00:00:00Z']])
})

test('stores nothing where nothing has been computed', async () => {
  const { write, read } = await storing({ ...stored, transform: () => ({}) })
  for (const df of [{ driver_id: [1], rate: [1], given: [1] }, { driver_id: [] }, {}])
    expect(await write(df)).toEqual({ status: 200, body: 'null' })
  expect(await read(['doubled:scaled'], [1])).toEqual([[[null], '1970-01-01T00:00:00Z']])
})

test('knows the features of a stored view', async () => {
  const { ask: asked } = await storing(stored)
  expect((await asked(['doubled:nope'], [1])).statusCode).toBe(404)
})

test.for<{ name: string; view: OnDemandView; says: string }>([
  {
    name: 'stores nothing',
    view: { ...stored, writeToOnlineStore: false },
    says: 'OnDemandFeatureView doubled is not configured for write_to_online_store.',
  },
  {
    name: 'computes from requests alone',
    view: { ...stored, projections: [] },
    says: "On demand feature view 'doubled' computes from request data alone, which has no history",
  },
  {
    name: 'computes from what has no history',
    view: stored,
    says: "On demand feature view 'doubled' computes from stats, which has no batch source",
  },
])('refuses to materialize a view that $name', async ({ view, says }) => {
  const { post } = await storing(view)
  const named = await post('/materialize', {
    disable_event_timestamp: true,
    feature_views: ['doubled'],
  })
  expect(named.status).toBe(422)
  expect(messageOf(named.body)).toContain(says)
})

test('refuses a write to a view that stores nothing', async () => {
  const { writeToOnlineStore: _gone, ...computed } = stored
  const { write } = await storing(computed)
  const { status, body } = await write({ driver_id: [1], rate: [1], given: [1] })
  expect(status).toBe(422)
  expect(messageOf(body)).toContain("On demand feature view 'doubled' is computed when it is read")
})

test('says which view failed, and not why', async () => {
  const { status, body } = await ask({
    ...doubled,
    transform: () => {
      throw new Error('an inner matter')
    },
  })
  expect(status).toBe(500)
  expect(messageOf(body)).toBe("On demand feature view 'doubled' failed")
})
