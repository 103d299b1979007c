import type { InjectOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEmbedded } from './support/embedded.ts'
import { at, contract, SESSIONS, USD } from './support/market.ts'
import { type Service, startService, TOKENS } from './support/service.ts'

const [FIRST, SECOND] = SESSIONS
const TIMEOUT = { timeout: 60_000 }

const row = (time: string, over: object = {}) => ({
  symbol: USD,
  time: `${FIRST}T${time}:00Z`,
  open: 4_000,
  high: 4_010,
  low: 3_990,
  close: 4_005,
  ...over,
})

const post = (url: string, payload: unknown, headers: object = {}): InjectOptions => ({
  method: 'POST',
  url,
  headers: {
    authorization: `Bearer ${TOKENS.writer}`,
    'content-type': 'application/json',
    ...headers,
  },
  payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
})

const start = async (bindHost?: string) =>
  await startService(openEmbedded, at(FIRST, '14:00'), bindHost)

describe('requests that are refused', TIMEOUT, () => {
  let service: Service
  beforeAll(async () => {
    service = await start()
  })
  afterAll(async () => await service[Symbol.asyncDispose]())

  const bars = (payload: unknown, headers?: object) => post('/v1/bars', payload, headers)
  const macro = (payload: unknown, headers?: object) => post('/v1/macro', payload, headers)
  const value = { series: 'dxy', date: '2025-06-13', value: 98.1 }
  const invalid = { status: 400, code: 'invalid_request' }

  test.for<{ name: string; request: InjectOptions; status: number; code: string; says?: RegExp }>([
    ...[
      { route: 'bars', of: bars, body: { bars: [] } },
      { route: 'macro', of: macro, body: { values: [] } },
    ].flatMap(({ route, of, body }) => [
      {
        name: `${route} without a key`,
        request: of(body, { authorization: '' }),
        status: 401,
        code: 'unauthenticated',
      },
      {
        name: `${route} with an unknown key`,
        request: of(body, { authorization: 'Bearer guess' }),
        status: 401,
        code: 'unauthenticated',
      },
      {
        name: `${route} with a key that may only read`,
        request: of(body, { authorization: `Bearer ${TOKENS.reader}` }),
        status: 403,
        code: 'forbidden',
      },
      { name: `${route} that are no JSON`, request: of('{"bars": ['), ...invalid },
      { name: `${route} without a body`, request: of(''), ...invalid },
      {
        name: `${route} as text`,
        request: of(body, { 'content-type': 'text/csv' }),
        status: 415,
        code: 'unsupported_media_type',
      },
      {
        name: `${route} with a field that is not known`,
        request: of({ ...body, replace: true }),
        ...invalid,
        says: /replace/,
      },
      {
        name: `${route} under a source name of ours`,
        request: of({ ...body, source: ':materializer' }),
        ...invalid,
        says: /source/,
      },
      {
        name: `${route} in a body over the limit`,
        request: of({ ...body, source: 'x'.repeat(4 * 1024 * 1024) }),
        status: 413,
        code: 'payload_too_large',
      },
    ]),
    { name: 'no bars at all', request: bars({}), ...invalid, says: /bars/ },
    {
      name: '10,001 bars',
      request: bars({ bars: Array.from({ length: 10_001 }, () => ({ symbol: USD })) }),
      ...invalid,
      says: /10000/,
    },
    {
      name: 'a bar without a symbol',
      request: bars({ bars: [row('13:00', { symbol: ' ' })] }),
      ...invalid,
      says: /bars\.0\.symbol/,
    },
    {
      name: 'a symbol that SQL cannot hold',
      request: bars({ bars: [row('13:00', { symbol: 'USD\u0000COP' })] }),
      ...invalid,
      says: /printable/,
    },
    {
      name: 'a symbol of half a character',
      request: bars({ bars: [row('13:00', { symbol: 'USD\ud800' })] }),
      ...invalid,
      says: /printable/,
    },
    {
      name: 'a macro series the contract does not have',
      request: macro({ values: [{ ...value, series: 'gold' }] }),
      ...invalid,
      says: /values\.0\.series/,
    },
    {
      name: 'a macro value of no day',
      request: macro({ values: [{ ...value, date: '2025-02-30' }] }),
      ...invalid,
      says: /values\.0\.date/,
    },
    {
      name: 'a macro value that is no number',
      request: macro({ values: [{ ...value, value: '98.1' }] }),
      ...invalid,
      says: /values\.0\.value/,
    },
    {
      name: 'a macro value with more to it',
      request: macro({ values: [{ ...value, unit: 'points' }] }),
      ...invalid,
      says: /unit/,
    },
  ])('refuses $name', async ({ request, status, code, says = /./ }) => {
    const reply = await service.app.inject(request)
    expect([reply.statusCode, reply.json().error.code]).toEqual([status, code])
    expect(reply.json().error.message).toMatch(says)
  })

  test('has taken nothing of them all', async () => {
    const reply = await service.app.inject('/v1/status')
    expect(reply.json()).toEqual({
      definitionHash: contract.definitionHash,
      symbols: [],
      rejected: [],
      onlineLag: 0,
      lastSealedSession: null,
    })
  })
})

describe('POST /v1/bars', TIMEOUT, () => {
  test('answers each row in order, ignores other columns, and repeats to no effect', async () => {
    await using service = await start()
    const { app, rig } = service
    const request = post('/v1/bars', {
      source: 'desk.feed',
      bars: [
        row('13:00', { volume: 7 }),
        { ...row('13:05'), time: at(FIRST, '13:05'), open: '4000', close: ' 4005.5 ' },
        row('13:10', { close: 'n/a' }),
        row('13:15', { time: 'soon' }),
        row('13:20', { time: -1e18 }),
        row('13:25', { high: 3_000 }),
        row('13:57'),
        row('14:00'),
        row('12:55'),
        row('13:00', { symbol: 'EUR/COP' }),
      ],
    })
    const rejected = (reason: string) => ({ status: 'rejected', reason })
    const first = await app.inject(request)
    expect([first.statusCode, first.json()]).toEqual([
      200,
      {
        accepted: 3,
        rejected: 7,
        rows: [
          { status: 'accepted' },
          { status: 'accepted' },
          rejected('unparsable'),
          rejected('unparsable'),
          rejected('unparsable'),
          rejected('ohlc'),
          rejected('not_closed'),
          rejected('not_closed'),
          rejected('session'),
          { status: 'accepted' },
        ],
      },
    ])
    const again = await app.inject(request)
    const outcomes = again.json().rows.map((one: { reason: string }) => one.reason)
    expect([outcomes[0], outcomes[1], outcomes[9]]).toEqual(['duplicate', 'duplicate', 'duplicate'])

    const onlineLag = async () => (await app.inject('/v1/status')).json().onlineLag
    await expect.poll(onlineLag).toBe(0)
    const served = await rig.served('technical_features', USD)
    expect(served?.eventTimestamp).toBe(at(FIRST, '13:10'))
    expect((await app.inject('/v1/status')).json()).toMatchObject({
      symbols: [
        { symbol: 'EUR/COP', lastBar: `${FIRST}T13:00:00.000Z` },
        { symbol: USD, lastBar: `${FIRST}T13:05:00.000Z` },
      ],
      rejected: expect.arrayContaining([
        { source: 'desk.feed', reason: 'duplicate', count: 3 },
        { source: 'desk.feed', reason: 'unparsable', count: 6 },
      ]),
    })
  })

  test('answers an empty batch, and commits nothing', async () => {
    await using service = await start()
    const reply = await service.app.inject(post('/v1/bars', { bars: [] }))
    expect([reply.statusCode, reply.json()]).toEqual([200, { accepted: 0, rejected: 0, rows: [] }])
    expect(
      await service.rig.db.query('select from checkpoint', [], AbortSignal.timeout(5_000)),
    ).toEqual([])
  })

  test('takes 10,000 rows over a real socket, and seals what they finish', async () => {
    await using service = await start()
    const { app, rig } = service
    rig.clock.advanceTo(at(SECOND, '12:00'))
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const session = Array.from({ length: 60 }, (_, i) =>
      row('13:00', { time: at(FIRST, '13:00') + i * 300_000 }),
    )
    const noise = Array.from({ length: 9_940 }, () => row('13:00', { close: 'n/a' }))
    const reply = await fetch(`${address}/v1/bars`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKENS.writer}`, 'content-type': 'application/json' },
      body: JSON.stringify({ bars: [...session, ...noise] }),
    })
    expect(reply.status).toBe(200)
    expect(await reply.json()).toMatchObject({ accepted: 60, rejected: 9_940 })
    const sealed = async () => (await app.inject('/v1/status')).json().lastSealedSession
    await expect.poll(sealed, { timeout: 20_000 }).toBe(FIRST)
  })
})

describe('POST /v1/macro', TIMEOUT, () => {
  test('says of each value what it changed, and repeats to no effect', async () => {
    await using service = await start()
    const value = { series: 'vix', date: '2025-06-13', value: 20 }
    const ask = async (values: readonly object[]) =>
      (await service.app.inject(post('/v1/macro', { source: 'desk', values }))).json()
    const of = (...statuses: string[]) => ({
      accepted: statuses.length,
      rejected: 0,
      rows: statuses.map((status) => ({ status })),
    })
    expect(await ask([value, { ...value, series: 'dxy' }])).toEqual(of('accepted', 'accepted'))
    expect(await ask([value, { ...value, value: 21 }])).toEqual(of('unchanged', 'corrected'))
    expect(await ask([{ ...value, value: 21 }])).toEqual(of('unchanged'))
    expect(await ask([])).toEqual(of())
  })
})

describe('the service', TIMEOUT, () => {
  test('asks for a reader where others than this machine can reach it', async () => {
    await using service = await start('0.0.0.0')
    const status = async (authorization: string) =>
      (await service.app.inject({ url: '/v1/status', headers: { authorization } })).statusCode
    expect(await status('')).toBe(401)
    expect(await status(`Bearer ${TOKENS.reader}`)).toBe(200)
  })

  test('says that it cannot answer while its database is away', async () => {
    await using service = await start()
    const { app, rig } = service
    expect((await app.inject('/readyz')).json()).toEqual({
      ready: true,
      checks: { database: true, online_store: true },
    })
    await rig.db.close()
    for (const request of [post('/v1/bars', { bars: [row('13:00')] }), '/v1/status']) {
      const reply = await app.inject(request as InjectOptions)
      expect([reply.statusCode, reply.json().error.code]).toEqual([503, 'store_unavailable'])
    }
    expect((await app.inject('/readyz')).json()).toEqual({
      ready: false,
      checks: { database: false, online_store: true },
    })
  })

  test('counts what it took', async () => {
    await using service = await start()
    await service.app.inject(post('/v1/bars', { bars: [row('13:00'), row('13:00')] }))
    const { body } = await service.app.inject('/metrics')
    expect(body).toMatch(/^usdcop_materializer_bars_accepted_total\{[^}]*\} 1$/m)
    expect(body).toMatch(
      /^usdcop_materializer_bars_rejected_total\{[^}]*reason="duplicate"[^}]*\} 1$/m,
    )
  })
})
