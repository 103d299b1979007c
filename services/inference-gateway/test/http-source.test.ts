import { describe, expect, onTestFinished, test } from 'vitest'
import { openFeatureServer } from '../src/features/client.ts'
import { createHttpSource } from '../src/features/http-source.ts'
import { createHttpStateSink } from '../src/features/push.ts'
import { type Scripted, startFeatureServer } from './support/feature-server.ts'

const refs = [
  { name: 'rsi_9', view: 'technical_features' },
  { name: 'dxy_z', view: 'macro_features' },
]
const reply = {
  metadata: { feature_names: ['symbol', 'dxy_z', 'rsi_9'] },
  results: [
    { values: ['USD/COP'], statuses: ['PRESENT'], event_timestamps: ['1970-01-01T00:00:00Z'] },
    { values: [-0.5], statuses: ['PRESENT'], event_timestamps: ['2025-03-03T12:50:00Z'] },
    {
      values: [48.25],
      statuses: ['OUTSIDE_MAX_AGE'],
      event_timestamps: ['2025-03-03T14:05:00.069Z'],
    },
  ],
}
const good: Scripted = {
  body: JSON.stringify(reply),
  headers: { 'usdcop-definition-hash': 'def' },
}
const withResult = (change: object): Scripted => ({
  ...good,
  body: JSON.stringify({
    ...reply,
    results: reply.results.with(1, { ...reply.results[1]!, ...change }),
  }),
})
const signal = AbortSignal.timeout(30_000)

function clientOf(url: string, { key = '', deadlineMs = 5_000 } = {}) {
  const client = openFeatureServer({ url, key, deadlineMs }, refs)
  onTestFinished(() => client.close())
  return client
}

const read = (url: string, deadlineMs?: number, caller = signal) =>
  createHttpSource(clientOf(url, { deadlineMs }), refs).read('USD/COP', caller)

describe('reading features over HTTP', () => {
  test('asks by reference and reads the answer by name, in the order asked', async () => {
    await using server = await startFeatureServer(() => good)
    expect(await read(server.url)).toEqual({
      definitionHash: 'def',
      features: [
        {
          ...refs[0],
          value: 48.25,
          status: 'OUTSIDE_MAX_AGE',
          eventTimestamp: Date.UTC(2025, 2, 3, 14, 5, 0, 69),
        },
        {
          ...refs[1],
          value: -0.5,
          status: 'PRESENT',
          eventTimestamp: Date.UTC(2025, 2, 3, 12, 50),
        },
      ],
    })
    expect(server.asked).toEqual([
      {
        port: expect.any(Number),
        path: '/get-online-features',
        authorization: undefined,
        body: {
          features: ['technical_features:rsi_9', 'macro_features:dxy_z'],
          entities: { symbol: ['USD/COP'] },
        },
      },
    ])
  })

  test('keeps a feature that was left out as not found, and a definition that was not stated as none', async () => {
    const body = JSON.stringify({
      metadata: { feature_names: ['dxy_z'] },
      results: [
        { values: [null], statuses: ['NULL_VALUE'], event_timestamps: ['1970-01-01T00:00:00Z'] },
      ],
    })
    await using server = await startFeatureServer(() => ({ body }))
    expect(await read(server.url)).toEqual({
      definitionHash: null,
      features: [
        { ...refs[0], value: null, status: 'NOT_FOUND', eventTimestamp: null },
        { ...refs[1], value: null, status: 'NULL_VALUE', eventTimestamp: null },
      ],
    })
  })

  test.for([
    { text: 'NaN', value: Number.NaN },
    { text: 'Infinity', value: Number.POSITIVE_INFINITY },
    { text: '-Infinity', value: Number.NEGATIVE_INFINITY },
  ])('reads $text, as Feast writes it, as the number it is', async ({ text, value }) => {
    await using server = await startFeatureServer(() => withResult({ values: [text] }))
    const { features } = await read(server.url)
    expect(features[1]?.value).toBe(value)
  })

  test('keeps its connection', async () => {
    const ports = new Set<number | undefined>()
    await using server = await startFeatureServer(({ port }) => {
      ports.add(port)
      return good
    })
    const source = createHttpSource(clientOf(server.url), refs)
    for (let i = 0; i < 5; i += 1) await source.read('USD/COP', signal)
    expect(ports.size).toBe(1)
  })

  test('tells a stamp between two milliseconds from either', async () => {
    await using server = await startFeatureServer(() =>
      withResult({ event_timestamps: ['2025-03-03T12:50:00.000001Z'] }),
    )
    const { features } = await read(server.url)
    expect(features[1]?.eventTimestamp).not.toBe(Date.UTC(2025, 2, 3, 12, 50))
  })

  test.for<{ name: string; scripted: Scripted }>([
    { name: 'no JSON', scripted: { body: '<html>' } },
    { name: 'an empty body', scripted: { body: '' } },
    { name: 'another shape', scripted: { body: '{"results":[]}' } },
    { name: 'a value that is text', scripted: withResult({ values: ['1.5'] }) },
    { name: 'an unknown status', scripted: withResult({ statuses: ['FRESH'] }) },
    { name: 'a status as a number', scripted: withResult({ statuses: [1] }) },
    { name: 'two rows for one entity', scripted: withResult({ values: [1, 2] }) },
    { name: 'no row', scripted: withResult({ values: [], statuses: [], event_timestamps: [] }) },
    {
      name: 'an event time without zone',
      scripted: withResult({ event_timestamps: ['2025-03-03T12:50:00'] }),
    },
    {
      name: 'an event time that is no date',
      scripted: withResult({ event_timestamps: ['2025-02-31T12:50:00Z'] }),
    },
    {
      name: 'a name that stands twice',
      scripted: {
        body: JSON.stringify({
          ...reply,
          metadata: { feature_names: ['dxy_z', 'dxy_z', 'rsi_9'] },
        }),
      },
    },
    {
      name: 'fewer names than columns',
      scripted: {
        body: JSON.stringify({ ...reply, metadata: { feature_names: ['dxy_z', 'rsi_9'] } }),
      },
    },
    { name: 'a refusal', scripted: { status: 404, body: '"unknown view"' } },
    { name: 'a fault of its own', scripted: { status: 500, body: '{}' } },
    { name: 'a redirect', scripted: { status: 302, headers: { location: '/elsewhere' } } },
  ])('gives up at $name, and does not ask again', async ({ scripted }) => {
    await using server = await startFeatureServer(() => scripted)
    await expect(read(server.url)).rejects.toMatchObject({ code: 'features_unavailable' })
    expect(server.asked).toHaveLength(1)
  })

  test.for<{ name: string; first: Scripted }>([
    { name: '503', first: { status: 503 } },
    { name: 'a connection that is cut', first: { instead: 'cut' } },
  ])('asks again after $name', async ({ first }) => {
    await using server = await startFeatureServer((_asked, count) => (count < 3 ? first : good))
    expect((await read(server.url)).features).toHaveLength(2)
    expect(server.asked).toHaveLength(3)
  })

  test('gives up when 503 stays', async () => {
    await using server = await startFeatureServer(() => ({ status: 503 }))
    await expect(read(server.url)).rejects.toMatchObject({ code: 'features_unavailable' })
    expect(server.asked).toHaveLength(3)
  })

  test('gives up at the deadline when there is no answer', async () => {
    await using server = await startFeatureServer(() => ({ instead: 'silence' }))
    await expect(read(server.url, 50)).rejects.toMatchObject({
      code: 'features_unavailable',
      message: expect.stringContaining('no answer within 50 ms'),
    })
    expect(server.asked).toHaveLength(1)
  })

  test('gives up when nobody listens', async () => {
    const { url } = await (async () => {
      await using server = await startFeatureServer(() => good)
      return server
    })()
    await expect(read(url)).rejects.toMatchObject({ code: 'features_unavailable' })
  })

  test('ends with the caller, not as an unavailable server', async () => {
    await using server = await startFeatureServer(() => ({ instead: 'silence' }))
    const caller = new AbortController()
    const reading = read(server.url, 5_000, caller.signal)
    caller.abort(new Error('left'))
    await expect(reading).rejects.toThrow('left')
  })
})

describe('pushing the state', () => {
  const row = {
    symbol: 'USD/COP',
    position: -1,
    timeNormalized: 0.25,
    eventTimestamp: Date.UTC(2025, 2, 3, 14, 5),
  }

  test('sends one row to the push source under its key', async () => {
    await using server = await startFeatureServer(() => ({ body: 'null' }))
    await createHttpStateSink(clientOf(server.url, { key: 'secret' })).push(row, signal)
    expect(server.asked).toEqual([
      {
        port: expect.any(Number),
        path: '/push',
        authorization: 'Bearer secret',
        body: {
          push_source_name: 'state_push',
          df: {
            symbol: ['USD/COP'],
            position: [-1],
            time_normalized: [0.25],
            event_timestamp: ['2025-03-03T14:05:00.000Z'],
          },
          to: 'online',
        },
      },
    ])
  })

  test('does not repeat what is refused, and never tells the key', async () => {
    await using server = await startFeatureServer(() => ({ status: 401, body: '{}' }))
    const sink = createHttpStateSink(clientOf(server.url, { key: 'secret' }))
    const error: unknown = await sink.push(row, signal).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'features_unavailable' })
    expect(String((error as Error).stack)).not.toContain('secret')
    expect(server.asked).toHaveLength(1)
  })
})
