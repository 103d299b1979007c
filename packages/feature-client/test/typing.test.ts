import { usdcopTradingFeatures } from '@usdcop/feature-repo/client-types'
import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { createFeatureClient } from '../src/client.ts'
import type { Cell } from '../src/online-types.ts'
import type { FeatureSchema } from '../src/schema.ts'
import type { Json, JsonObject, ReadValue, WrittenValue } from '../src/value-types.ts'
import { startScriptedServer } from './support/scripted-server.ts'

// `npm run check` proves the types; run, these tests prove that what is asked for is what was typed.

const SHOP = {
  project: 'shop',
  views: {
    orders: {
      entities: { customer: 'INT64', 'shop-id': 'STRING' },
      features: { total: 'DECIMAL', items: 'STRING_LIST', first: 'UNIX_TIMESTAMP' },
      timestampField: 'at',
    },
    weather: { entities: {}, features: { rain: 'FLOAT' }, timestampField: 'at' },
    scored: { entities: { customer: 'INT64', bonus: 'DOUBLE' }, features: { score: 'DOUBLE' } },
  },
  services: {
    model: {
      entities: { customer: 'INT64' },
      features: { mine: { total: 'DECIMAL' }, 'stats@v2': { blob: 'BYTES' } },
    },
  },
  pushSources: {},
} as const satisfies FeatureSchema

/** A client of a server that is asked for what is typed, and refuses it. */
async function refusedClient<const S extends FeatureSchema>(schema: S) {
  const server = await startScriptedServer((_asked, response) => response.writeHead(404).end())
  const client = createFeatureClient({ url: server.url, deadlineMs: 10_000, schema })
  onTestFinished(async () => {
    await client.close()
    await server[Symbol.asyncDispose]()
  })
  const bodyOf = async (call: Promise<unknown>) => {
    await expect(call).rejects.toMatchObject({ refusal: { status: 404 } })
    return server.asked.at(-1)?.body
  }
  return { client, bodyOf }
}

describe('what this project serves', () => {
  test('is typed by its service, row by row', async () => {
    const { client, bodyOf } = await refusedClient(usdcopTradingFeatures)
    const asked = client.getOnlineFeatures({
      featureService: 'observation_15d',
      entities: { symbol: ['USD/COP'] },
    })
    type Row = Awaited<typeof asked>['rows'][number]
    expectTypeOf<Row['features']['rsi_9']>().toEqualTypeOf<Cell<number>>()
    expectTypeOf<Row['entities']>().toEqualTypeOf<{ readonly symbol: string }>()
    expectTypeOf<keyof Row['features']>().toEqualTypeOf<
      | keyof (typeof usdcopTradingFeatures)['views']['technical_features']['features']
      | keyof (typeof usdcopTradingFeatures)['views']['macro_features']['features']
      | keyof (typeof usdcopTradingFeatures)['views']['state_features']['features']
    >()
    expect(await bodyOf(asked)).toEqual({
      feature_service: 'observation_15d',
      entities: { symbol: ['USD/COP'] },
    })
  })

  test('is typed by its service under full names', async () => {
    const { client, bodyOf } = await refusedClient(usdcopTradingFeatures)
    const asked = client.getOnlineFeatures({
      featureService: 'observation_15d',
      entities: { symbol: ['USD/COP'] },
      fullFeatureNames: true,
    })
    type Features = Awaited<typeof asked>['rows'][number]['features']
    expectTypeOf<Features['technical_features__rsi_9']>().toEqualTypeOf<Cell<number>>()
    expectTypeOf<Features>().not.toHaveProperty('rsi_9')
    expect(await bodyOf(asked)).toMatchObject({ full_feature_names: true })
  })

  test('is typed by references', async () => {
    const { client, bodyOf } = await refusedClient(usdcopTradingFeatures)
    const asked = client.getOnlineFeatures({
      features: ['technical_features:rsi_9', 'macro_features:dxy_z'],
      entities: { symbol: ['USD/COP'] },
    })
    type Features = Awaited<typeof asked>['rows'][number]['features']
    expectTypeOf<Features>().toEqualTypeOf<{
      readonly rsi_9: Cell<number>
      readonly dxy_z: Cell<number>
    }>()
    expect(await bodyOf(asked)).toEqual({
      features: ['technical_features:rsi_9', 'macro_features:dxy_z'],
      entities: { symbol: ['USD/COP'] },
    })
  })

  test('has no other services, features and entities', async () => {
    const { client, bodyOf } = await refusedClient(usdcopTradingFeatures)
    const symbol = ['USD/COP']
    const calls = [
      // @ts-expect-error no such service
      client.getOnlineFeatures({ featureService: 'observation_16d', entities: { symbol } }),
      // @ts-expect-error no such feature
      client.getOnlineFeatures({ features: ['technical_features:dxy_z'], entities: { symbol } }),
      // @ts-expect-error no such view
      client.getOnlineFeatures({ features: ['technical:rsi_9'], entities: { symbol } }),
      // @ts-expect-error no such entity
      client.getOnlineFeatures({ featureService: 'observation_15d', entities: { ticker: symbol } }),
      // @ts-expect-error an entity of another type
      client.getOnlineFeatures({ featureService: 'observation_15d', entities: { symbol: [1] } }),
    ]
    for (const body of await Promise.all(calls.map(bodyOf))) expect(body).toHaveProperty('entities')
  })

  test('takes rows of its push source, and no others', async () => {
    const { client, bodyOf } = await refusedClient(usdcopTradingFeatures)
    const row = { symbol: 'USD/COP', position: -1, time_normalized: null, event_timestamp: 0 }
    const created = { created_timestamp: new Date(1) }
    const pushed = client.push({ source: 'state_push', rows: [{ ...row, ...created }] })
    expect(await bodyOf(pushed)).toMatchObject({
      df: {
        event_timestamp: ['1970-01-01T00:00:00.000Z'],
        created_timestamp: ['1970-01-01T00:00:00.001Z'],
      },
    })
    // @ts-expect-error no such push source
    await bodyOf(client.push({ source: 'nothing', rows: [row] }))
    // @ts-expect-error a value of another type
    await bodyOf(client.push({ source: 'state_push', rows: [{ ...row, position: 'LONG' }] }))
    // @ts-expect-error a key may not be null
    await bodyOf(client.push({ source: 'state_push', rows: [{ ...row, symbol: null }] }))
    const { event_timestamp: _at, ...untimed } = row
    // @ts-expect-error no time
    const timeless = client.push({ source: 'state_push', rows: [untimed] })
    await expect(timeless).rejects.toMatchObject({ code: 'invalid_request' })
  })
})

describe('a schema of any project', () => {
  test('types labels, versions, odd names and every kind of value', async () => {
    const { client, bodyOf } = await refusedClient(SHOP)
    const full = client.getOnlineFeatures({
      featureService: 'model',
      entities: { customer: [1, 2n] },
      fullFeatureNames: true,
    })
    expectTypeOf<Awaited<typeof full>['rows'][number]['features']>().toEqualTypeOf<{
      readonly mine__total: Cell<string>
      readonly 'stats@v2__blob': Cell<Uint8Array>
    }>()
    expect(await bodyOf(full)).toMatchObject({ entities: { customer: [1, 2] } })

    const some = client.getOnlineFeatures({
      features: ['orders:items', 'orders:first', 'scored:score'],
      entities: { customer: [1n], 'shop-id': ['a'], bonus: [0.5] },
    })
    expectTypeOf<Awaited<typeof some>['rows'][number]['features']>().toEqualTypeOf<{
      readonly items: Cell<readonly string[]>
      readonly first: Cell<bigint>
      readonly score: Cell<number>
    }>()
    expect(await bodyOf(some)).toMatchObject({ entities: { 'shop-id': ['a'], bonus: [0.5] } })

    await bodyOf(
      // @ts-expect-error request data is missing
      client.getOnlineFeatures({ features: ['scored:score'], entities: { customer: [1n] } }),
    )
  })

  test('takes any column for a view without entities, which needs one to count its rows by', async () => {
    const { client, bodyOf } = await refusedClient(SHOP)
    const asked = client.getOnlineFeatures({ features: ['weather:rain'], entities: { any: ['x'] } })
    expectTypeOf<Awaited<typeof asked>['rows'][number]['features']>().toEqualTypeOf<{
      readonly rain: Cell<number>
    }>()
    expect(await bodyOf(asked)).toMatchObject({ entities: { any: ['x'] } })
  })

  test('writes to views that are stored', async () => {
    const { client, bodyOf } = await refusedClient(SHOP)
    const written = client.writeToOnlineStore({
      view: 'orders',
      rows: [{ customer: 1, 'shop-id': 'a', total: '1.10', items: [], first: new Date(0), at: 0 }],
    })
    expect(await bodyOf(written)).toMatchObject({ df: { customer: [1], first: [0] } })
    // @ts-expect-error an on-demand view keeps nothing
    await bodyOf(client.writeToOnlineStore({ view: 'scored', rows: [] }))
  })
})

test('without a schema names are any, and values what JSON can hold', async () => {
  await using server = await startScriptedServer((_asked, response) =>
    response.writeHead(404).end(),
  )
  await using client = createFeatureClient({ url: server.url, deadlineMs: 10_000 })
  const asked = client.getOnlineFeatures({ features: ['a:b'], entities: { a: [1, 2n, 'x'] } })
  expectTypeOf<Awaited<typeof asked>['rows'][number]['features']['b']>().toExtend<Cell<unknown>>()
  await expect(asked).rejects.toMatchObject({ refusal: { status: 404 } })
  const pushed = client.push({ source: 'any', rows: [{ a: 1n, at: new Date(0) }] })
  await expect(pushed).rejects.toMatchObject({ refusal: { status: 404 } })
  expect(server.asked.map(({ body }) => body)).toEqual([
    { features: ['a:b'], entities: { a: [1, 2, 'x'] } },
    {
      push_source_name: 'any',
      df: { a: [1], at: ['1970-01-01T00:00:00.000Z'] },
      to: 'online',
    },
  ])
})

test('a value has one type to be read as, and one to be written as', () => {
  expectTypeOf<ReadValue<'INT64'>>().toEqualTypeOf<bigint>()
  expectTypeOf<ReadValue<'UNIX_TIMESTAMP_LIST'>>().toEqualTypeOf<readonly bigint[]>()
  expectTypeOf<ReadValue<'BOOL' | 'STRING'>>().toEqualTypeOf<boolean | string>()
  expectTypeOf<ReadValue<'BYTES_SET'>>().toEqualTypeOf<readonly Uint8Array[]>()
  expectTypeOf<ReadValue<'MAP'>>().toEqualTypeOf<JsonObject>()
  expectTypeOf<ReadValue<'VALUE_LIST'>>().toEqualTypeOf<readonly Json[]>()
  expectTypeOf<ReadValue<'SCALAR_MAP'>>().toEqualTypeOf<never>()
  expectTypeOf<WrittenValue<'INT64'>>().toEqualTypeOf<bigint | number>()
  expectTypeOf<WrittenValue<'UNIX_TIMESTAMP'>>().toEqualTypeOf<bigint | Date>()
  expectTypeOf<WrittenValue<'BYTES'>>().toEqualTypeOf<never>()
})
