import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createRegistry } from '@usdcop/feast/registry/registry'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { entityKey } from '@usdcop/feast/wire/entity-key'
import { ServiceError } from '@usdcop/service/errors'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { askOf, pushOf, TOKENS, temporaryStore, testApp } from './feature-server.ts'

const CLOSE = Date.UTC(2025, 2, 3, 15, 30)
const MINUTE_MS = 60_000
const tags = { definition_hash: 'abc123' }
const registry = createRegistry({
  project: 'demo',
  entities: [{ name: 'symbol', joinKey: 'symbol', valueType: 'STRING', tags: {} }],
  views: ['bars', 'state'].map((name) => ({
    name,
    entities: ['symbol'],
    features: [{ name: `${name}_value`, valueType: 'DOUBLE' as const }],
    ttlMs: 30 * MINUTE_MS,
    pushSource: name === 'state' ? 'state_push' : undefined,
    tags,
  })),
  services: [
    {
      name: 'all',
      projections: ['bars', 'state'].map((view) => ({ view, features: [`${view}_value`] })),
      tags,
    },
  ],
  pushSources: [{ name: 'state_push', timestampField: 'event_timestamp' }],
})

const signal = AbortSignal.timeout(30_000)
const key = (symbol: string) => entityKey([['symbol', { type: 'STRING', value: symbol }]])
const ask = (...symbols: unknown[]) =>
  askOf({ feature_service: 'all', entities: { symbol: symbols } })
const pushed = (value: number, at: string, symbol = 'USD/COP') => ({
  push_source_name: 'state_push',
  df: { symbol: [symbol], state_value: [value], event_timestamp: [at] },
})

/** A store that fails as one whose server is away. */
const brokenStore: OnlineStore = {
  read: () => Promise.reject(new ServiceError('store_unavailable', 'redis at 10.0.0.7 is away')),
  readPacked: () =>
    Promise.reject(new ServiceError('store_unavailable', 'redis at 10.0.0.7 is away')),
  write: () => Promise.reject(new ServiceError('store_unavailable', 'redis at 10.0.0.7 is away')),
  ping: () => Promise.reject(new ServiceError('store_unavailable', 'redis at 10.0.0.7 is away')),
  close: async () => {},
}

const detail = (feastClass: string, message: string) =>
  JSON.stringify({ module: 'feast.errors', class: feastClass, message })
const read = (body: string) => JSON.stringify(JSON.parse(JSON.parse(body) as string))

describe('the feature server', () => {
  const store = temporaryStore('demo')
  const app = testApp({ registry, store, now: CLOSE + MINUTE_MS })
  beforeAll(async () => {
    const values = new Map([['bars_value', { type: 'DOUBLE', value: 4_100 } as const]])
    await store.write(
      'bars',
      [{ entityKey: key('USD/COP'), eventTimestamp: CLOSE, values }],
      signal,
    )
  })
  afterAll(async () => {
    await app.close()
    await store[Symbol.asyncDispose]()
  })

  test('answers column by column and names the definition its rows were computed under', async () => {
    const reply = await app.inject(ask('USD/COP', 'EUR/COP'))
    expect(reply.body).toBe(
      '{"results":[' +
        '{"values":["USD/COP","EUR/COP"],"statuses":["PRESENT","PRESENT"],' +
        '"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]},' +
        '{"values":[4100.0,null],"statuses":["PRESENT","NOT_FOUND"],' +
        '"event_timestamps":["2025-03-03T15:30:00Z","1970-01-01T00:00:00Z"]},' +
        '{"values":[null,null],"statuses":["NOT_FOUND","NOT_FOUND"],' +
        '"event_timestamps":["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]}],' +
        '"metadata":{"feature_names":["symbol","bars_value","state_value"]}}',
    )
    expect(reply.statusCode).toBe(200)
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      'usdcop-definition-hash': 'abc123',
    })
  })

  test('serves what was pushed, and keeps the newer of two rows', async () => {
    for (const [value, at] of [
      [1, '2025-03-03T15:30:00Z'],
      [2, '2025-03-03T15:25:00Z'],
    ] as const) {
      const reply = await app.inject(pushOf(pushed(value, at, 'GBP/COP')))
      expect([reply.statusCode, reply.body]).toEqual([200, ''])
    }
    const reply = await app.inject(ask('GBP/COP'))
    expect(reply.json<{ results: unknown[] }>().results[2]).toEqual({
      values: [1],
      statuses: ['PRESENT'],
      event_timestamps: ['2025-03-03T15:30:00Z'],
    })
  })

  test('lets the newest of many concurrent pushes win', async () => {
    const seconds = Array.from({ length: 30 }, (_, index) => (index * 7) % 30)
    await Promise.all(
      seconds.map((second) =>
        app.inject(
          pushOf(pushed(second, `2025-03-03T15:30:${String(second).padStart(2, '0')}Z`, 'CHF/COP')),
        ),
      ),
    )
    const reply = await app.inject(ask('CHF/COP'))
    expect(reply.json<{ results: unknown[] }>().results[2]).toMatchObject({ values: [29] })
  })

  test.for([
    { name: 'no key', token: '', status: 401, body: '{"detail":"Missing authentication token"}' },
    {
      name: 'an unknown key',
      token: 'guess',
      status: 401,
      body: '{"detail":"Invalid or expired access token"}',
    },
  ])('refuses a push with $name', async ({ token, status, body }) => {
    const request = pushOf(pushed(9, '2025-03-03T16:00:00Z', 'NOK/COP'))
    const { authorization: _, ...headers } = request.headers as Record<string, string>
    const sent = token === '' ? headers : { ...headers, authorization: `Bearer ${token}` }
    const reply = await app.inject({ ...request, headers: sent })
    expect([reply.statusCode, reply.body]).toEqual([status, body])
    const [rows] = await store.read(
      [{ view: 'state', features: ['state_value'], keys: [key('NOK/COP')] }],
      signal,
    )
    expect(rows).toEqual([undefined])
  })

  test('refuses a push with a key that may only read', async () => {
    const reply = await app.inject(pushOf(pushed(9, '2025-03-03T16:00:00Z'), TOKENS.reader))
    expect(reply.statusCode).toBe(403)
    expect(read(reply.body)).toBe(
      detail('FeastPermissionError', 'this route needs the role writer'),
    )
  })

  test('refuses a push to nowhere by name', async () => {
    const body = { ...pushed(1, '2025-03-03T15:30:00Z'), to: 'nowhere' }
    const reply = await app.inject(pushOf(body))
    expect(reply.statusCode).toBe(422)
    expect(read(reply.body)).toContain('nowhere is not a supported push format')
  })

  test('writes nothing of a push with one bad row', async () => {
    const df = {
      symbol: ['SEK/COP', 'SEK/COP'],
      state_value: [1, 'x'],
      event_timestamp: ['2025-03-03T15:30:00Z', '2025-03-03T15:35:00Z'],
    }
    const reply = await app.inject(pushOf({ push_source_name: 'state_push', df }))
    expect(reply.statusCode).toBe(422)
    const reads = [{ view: 'state', features: ['state_value'], keys: [key('SEK/COP')] }]
    expect(await store.read(reads, signal)).toEqual([[undefined]])
  })

  test('refuses a body over its limit', async () => {
    const reply = await app.inject(ask('x'.repeat(5 * 1024 * 1024)))
    expect(reply.statusCode).toBe(413)
    expect(read(reply.body)).toBe(detail('FeastError', 'Request body is too large'))
  })

  test('keeps integers beyond 2^53 whole on the way in and out', async () => {
    const payload = '{"feature_service":"all","entities":{"symbol":[9007199254740993]}}'
    const reply = await app.inject({ ...ask(), payload })
    expect(reply.json<{ results: unknown[] }>().results[0]).toMatchObject({
      values: ['9007199254740993'],
    })
  })

  test('answers /health and /readyz while its store answers', async () => {
    const health = await app.inject('/health')
    expect([health.statusCode, health.body]).toEqual([200, ''])
    expect((await app.inject('/readyz')).json()).toEqual({
      ready: true,
      checks: { online_store: true },
    })
  })

  test("counts under Feast's metric names", async () => {
    const { body } = await app.inject('/metrics')
    expect(body).toMatch(
      /feast_feature_server_request_total\{endpoint="\/get-online-features",status="success",.*\} \d+/,
    )
    expect(body).toMatch(
      /feast_online_features_status_total\{feature_view="bars",status="present",.*\} \d+/,
    )
    expect(body).toMatch(
      /feast_push_request_total\{push_source="state_push",mode="online",.*\} \d+/,
    )
    expect(body).toMatch(/usdcop_feature_server_older_rows_total\{feature_view="state",.*\} \d+/)
  })
})

test.for([
  { serving: 'mark', values: [4_100], status: 'OUTSIDE_MAX_AGE' },
  { serving: 'enforce', values: [null], status: 'OUTSIDE_MAX_AGE' },
  { serving: 'strict', values: [4_100], status: 'PRESENT' },
] as const)('under $serving tells a row past its ttl as $status', async (each) => {
  await using store = temporaryStore('demo')
  const values = new Map([['bars_value', { type: 'DOUBLE', value: 4_100 } as const]])
  await store.write('bars', [{ entityKey: key('USD/COP'), eventTimestamp: CLOSE, values }], signal)
  const { serving } = each
  await using app = testApp({ registry, store, serving, now: CLOSE + 31 * MINUTE_MS })
  const reply = await app.inject(ask('USD/COP'))
  expect(reply.json<{ results: unknown[] }>().results[1]).toEqual({
    values: each.values,
    statuses: [each.status],
    event_timestamps: ['2025-03-03T15:30:00Z'],
  })
})

test('answers 503 without a word about its insides while the store is away', async () => {
  await using app = testApp({ registry, store: brokenStore })
  const away = detail('FeastError', 'the feature server cannot answer now')
  for (const request of [ask('USD/COP'), pushOf(pushed(1, '2025-03-03T15:30:00Z'))]) {
    const reply = await app.inject(request)
    expect([reply.statusCode, read(reply.body)]).toEqual([503, away])
  }
  const health = await app.inject('/health')
  expect([health.statusCode, health.body]).toEqual([503, ''])
  expect((await app.inject('/readyz')).statusCode).toBe(503)
})

test('needs a key for reads once it listens beyond this machine', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry, store, bindHost: '0.0.0.0' })
  expect((await app.inject(ask('USD/COP'))).statusCode).toBe(401)
  const request = ask('USD/COP')
  const headers = { ...request.headers, authorization: `Bearer ${TOKENS.reader}` }
  expect((await app.inject({ ...request, headers })).statusCode).toBe(200)
})

test('stops waiting for the store when the caller leaves', async () => {
  const asked = Promise.withResolvers<AbortSignal>()
  const store: OnlineStore = {
    ...brokenStore,
    readPacked: (_reads, signal) => {
      asked.resolve(signal)
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
  }
  await using app = testApp({ registry, store })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  const body = ask('USD/COP').payload
  socket.write(
    `POST /get-online-features HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  const left = await asked.promise
  expect(left.aborted).toBe(false)
  const aborted = once(left, 'abort')
  socket.destroy()
  await aborted
  expect(left.aborted).toBe(true)
})

test('answers letters beyond ASCII whole, under the id that the caller gave', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry, store })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const reply = await fetch(`${address}/get-online-features`, {
    method: 'POST',
    headers: { 'x-request-id': 'from-the-caller' },
    body: ask('Bogotá').payload,
  })
  expect(reply.headers.get('content-type')).toBe('application/json')
  expect(reply.headers.get('x-request-id')).toBe('from-the-caller')
  expect(await reply.json()).toMatchObject({ results: [{ values: ['Bogotá'] }, {}, {}] })
})

test('serves over a real socket, whatever the content type', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry, store })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const body = ask('USD/COP').payload
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
    const url = `${address}/get-online-features`
    const reply = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
    expect(reply.status).toBe(200)
  }
})
