import type { ServerResponse } from 'node:http'
import { traceThisProcess } from '@usdcop/tests/support/tracing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createFeatureClient } from '../src/client.ts'
import { ASK, DEMO, REPLY, ROW } from './support/demo.ts'
import { type Asked, doubleEncoded, json, startScriptedServer } from './support/scripted-server.ts'

const good = (response: ServerResponse) =>
  json(response, 200, REPLY, { 'usdcop-definition-hash': 'def' })
const cut = (response: ServerResponse) => response.socket?.resetAndDestroy()
const silent = () => {}

const client = (url: string, options: object = {}) => {
  const made = createFeatureClient({ url, deadlineMs: 5_000, schema: DEMO, ...options })
  onTestFinished(() => made.close())
  return made
}
const ROW_TO_PUSH = { driver_id: 1n, rate: 0.5, trips: null, at: 1_700_000_000_000.25 }
const PUSH = { source: 'stats_push', rows: [ROW_TO_PUSH] } as const
const SECRET = 'hunter2'
const HOUR = { start: 0, end: 3_600_000 }

describe('a call', () => {
  test('asks in the words of Feast and reads the columns as rows', async () => {
    await using server = await startScriptedServer((_asked, response) => good(response))
    const reply = await client(server.url, { key: 'secret' }).getOnlineFeatures(ASK)
    expect(reply).toEqual({ rows: [ROW], definitionHash: 'def' })
    expect(server.asked).toMatchObject([
      {
        path: '/get-online-features',
        headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
        body: { feature_service: 'model', entities: { driver_id: [1001] } },
      },
    ])
  })

  test('asks for its key each time, where that may change', async () => {
    await using server = await startScriptedServer((_asked, response) => good(response))
    let key = 'first'
    const one = client(server.url, { key: () => key })
    await one.getOnlineFeatures(ASK)
    key = 'second'
    await one.getOnlineFeatures(ASK)
    expect(server.asked.map(({ headers }) => headers['authorization'])).toEqual([
      'Bearer first',
      'Bearer second',
    ])
  })

  test('goes to a server behind a path', async () => {
    await using server = await startScriptedServer((_asked, response) => good(response))
    await client(`${server.url}/feast?q#f`).getOnlineFeatures(ASK)
    expect(server.asked[0]?.path).toBe('/feast/get-online-features')
  })

  test('keeps its connection', async () => {
    await using server = await startScriptedServer((_asked, response) => good(response))
    const one = client(server.url)
    for (let i = 0; i < 5; i += 1) await one.getOnlineFeatures(ASK)
    expect(new Set(server.asked.map(({ port }) => port)).size).toBe(1)
  })

  test('takes the trace along, and tells its attempts apart', async () => {
    await using traced = await traceThisProcess()
    await using server = await startScriptedServer(({ count }, response) =>
      count === 1 ? json(response, 503, '') : good(response),
    )
    await client(server.url, { key: 'hunter2' }).getOnlineFeatures(ASK)
    const spans = await traced.finish()
    expect(
      spans.map(({ kind, attributes }) => [
        kind,
        attributes['http.response.status_code'],
        attributes['http.request.resend_count'],
      ]),
    ).toEqual([
      ['client', 503, undefined],
      ['client', 200, 1],
    ])
    const sent = server.asked.map(({ headers }) => String(headers['traceparent']).split('-')[2])
    expect(sent).toEqual(spans.map(({ spanId }) => spanId))
    expect(JSON.stringify(spans)).not.toContain('hunter2')
  })

  test('reads an answer that dribbles in', async () => {
    await using server = await startScriptedServer((_asked, response) => {
      const bytes = [...Buffer.from(JSON.stringify(REPLY))]
      const dribble = () => {
        const byte = bytes.shift()
        if (byte === undefined) return response.end()
        return response.write(Buffer.of(byte), () => setImmediate(dribble))
      }
      dribble()
    })
    expect((await client(server.url).getOnlineFeatures(ASK)).rows).toEqual([ROW])
  })
})

describe('an attempt that failed', () => {
  const half = JSON.stringify(REPLY).slice(0, 90)

  test.for<{ name: string; first: (response: ServerResponse) => void }>([
    { name: 'a connection that is reset', first: cut },
    {
      name: 'a connection that ends within the headers',
      first: (response) => void response.socket?.end('HTTP/1.1 200 OK\r\ncontent-le'),
    },
    {
      name: 'half an answer of known length',
      first: (response) => {
        response.writeHead(200, { 'content-length': '1000' })
        response.write(half, () => cut(response))
      },
    },
    {
      name: 'half an answer in chunks',
      first: (response) => {
        response.writeHead(200)
        response.write(half, () => response.socket?.end())
      },
    },
    { name: '429', first: (response) => json(response, 429, '') },
    { name: '502', first: (response) => json(response, 502, '<html>') },
    { name: '503', first: (response) => json(response, 503, '') },
    { name: '504', first: (response) => json(response, 504, '') },
  ])('is repeated: $name', async ({ first }) => {
    await using server = await startScriptedServer(({ count }, response) =>
      count < 3 ? first(response) : good(response),
    )
    expect((await client(server.url).getOnlineFeatures(ASK)).rows).toEqual([ROW])
    expect(server.asked).toHaveLength(3)
  })

  test('is repeated for a push, which changes nothing twice', async () => {
    await using server = await startScriptedServer(({ count }, response) =>
      count < 3 ? cut(response) : json(response, 200, 'null'),
    )
    await client(server.url).push(PUSH)
    expect(server.asked).toHaveLength(3)
    expect(server.asked[2]?.body).toEqual({
      push_source_name: 'stats_push',
      df: {
        driver_id: [1],
        rate: [0.5],
        trips: [null],
        at: ['2023-11-14T22:13:20.000250Z'],
      },
      to: 'online',
    })
  })

  test('is repeated no more often than asked for', async () => {
    await using server = await startScriptedServer((_asked, response) => json(response, 503, ''))
    await expect(client(server.url).getOnlineFeatures(ASK)).rejects.toMatchObject({
      code: 'features_unavailable',
      refusal: { status: 503 },
    })
    expect(server.asked).toHaveLength(3)
    await expect(client(server.url, { attempts: 5 }).getOnlineFeatures(ASK)).rejects.toMatchObject({
      code: 'features_unavailable',
    })
    expect(server.asked).toHaveLength(8)
  })

  test.for([400, 401, 403, 404, 409, 413, 422, 500, 501])(
    'is not repeated when the server has understood: %i',
    async (status) => {
      await using server = await startScriptedServer((_asked, response) =>
        json(response, status, '""'),
      )
      await expect(client(server.url).getOnlineFeatures(ASK)).rejects.toMatchObject({
        name: 'ServiceError',
        refusal: { status },
      })
      expect(server.asked).toHaveLength(1)
    },
  )

  test('waits as long as Retry-After says', async () => {
    await using server = await startScriptedServer(({ count }, response) =>
      count === 1 ? json(response, 429, '', { 'retry-after': '1' }) : good(response),
    )
    await client(server.url).getOnlineFeatures(ASK)
    const [first, second] = server.asked as [Asked, Asked]
    expect(second.at - first.at).toBeGreaterThanOrEqual(1_000)
  })

  test('is the last where Retry-After reaches beyond the deadline', async () => {
    await using server = await startScriptedServer((_asked, response) =>
      json(response, 429, doubleEncoded('FeastError', 'too many'), { 'retry-after': '60' }),
    )
    await expect(client(server.url).getOnlineFeatures(ASK)).rejects.toMatchObject({
      code: 'too_many_requests',
      message: expect.stringContaining('answered 429: too many'),
    })
    expect(server.asked).toHaveLength(1)
  })

  test('is not repeated for rows that go offline, where they would stand twice', async () => {
    await using server = await startScriptedServer(({ path }, response) =>
      path === '/push' ? cut(response) : json(response, 503, ''),
    )
    const pushed = client(server.url).push({ ...PUSH, to: 'online_and_offline' })
    await expect(pushed).rejects.toMatchObject({ code: 'features_unavailable' })
    expect(server.asked).toHaveLength(1)
  })

  test.for<{ name: string; fail: (response: ServerResponse) => void; code: string }>([
    { name: 'a reset', fail: cut, code: 'features_unavailable' },
    { name: '503', fail: (response) => json(response, 503, ''), code: 'features_unavailable' },
    {
      name: '409',
      fail: (response) => json(response, 409, { error: 'busy', feature_views: ['stats'] }),
      code: 'conflict',
    },
  ])('is not repeated for a materialization: $name', async ({ fail, code }) => {
    await using server = await startScriptedServer((_asked, response) => fail(response))
    const { signal } = new AbortController()
    await expect(client(server.url).materialize(HOUR, signal)).rejects.toMatchObject({ code })
    expect(server.asked).toHaveLength(1)
  })

  test('is repeated for a materialization that was not let in', async () => {
    await using server = await startScriptedServer(({ count }, response) =>
      count === 1 ? json(response, 429, '') : json(response, 200, 'null'),
    )
    const { signal } = new AbortController()
    const one = client(server.url)
    await one.materialize({ ...HOUR, views: ['stats'], background: true }, signal)
    await one.materialize({ all: true }, signal)
    await one.materializeIncremental({ end: new Date(1) }, signal)
    expect(server.asked.slice(1).map(({ path, body }) => [path, body])).toEqual([
      [
        '/materialize?async=true',
        {
          start_ts: '1970-01-01T00:00:00.000Z',
          end_ts: '1970-01-01T01:00:00.000Z',
          feature_views: ['stats'],
        },
      ],
      ['/materialize', { disable_event_timestamp: true }],
      ['/materialize-incremental', { end_ts: '1970-01-01T00:00:00.001Z' }],
    ])
    // A connection of its own each: a kept one may have been closed by the server meanwhile.
    expect(new Set(server.asked.map(({ port }) => port)).size).toBe(4)
  })
})

describe('the end of a call', () => {
  test('is the deadline, however often it was tried, when the server stalls', async () => {
    await using server = await startScriptedServer(({ count }, response) =>
      count === 1 ? cut(response) : silent(),
    )
    const call = client(server.url, { deadlineMs: 150 }).getOnlineFeatures(ASK)
    await expect(call).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: expect.stringContaining('no answer within 150 ms'),
    })
    expect(server.asked).toHaveLength(2)
  })

  test('is the deadline when an answer never ends', async () => {
    await using server = await startScriptedServer((_asked, response) => {
      const dribble = () => response.write(' ', (error) => error ?? setImmediate(dribble))
      dribble()
    })
    const call = client(server.url, { deadlineMs: 100 }).getOnlineFeatures(ASK)
    await expect(call).rejects.toMatchObject({ code: 'deadline_exceeded' })
  })

  test("is its caller's, with the caller's reason", async () => {
    const caller = new AbortController()
    await using server = await startScriptedServer(() => caller.abort(new Error('left')))
    const call = client(server.url).getOnlineFeatures(ASK, caller.signal)
    await expect(call).rejects.toThrow('left')
    await expect.poll(() => server.connections()).toBe(0)
  })

  test("is its caller's while it waits to try again", async () => {
    const caller = new AbortController()
    await using server = await startScriptedServer((_asked, response) => {
      response.once('close', () => caller.abort(new Error('left')))
      json(response, 429, '', { 'retry-after': '4' })
    })
    const call = client(server.url).getOnlineFeatures(ASK, caller.signal)
    await expect(call).rejects.toThrow('left')
    expect(server.asked).toHaveLength(1)
  })

  test('is at once where nobody listens', async () => {
    const { url } = await (async () => {
      await using server = await startScriptedServer(silent)
      return server
    })()
    await expect(client(url).getOnlineFeatures(ASK)).rejects.toMatchObject({
      code: 'features_unavailable',
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('leaves no connection behind when the client is closed', async () => {
    await using server = await startScriptedServer(({ count }, response) =>
      count === 1 ? good(response) : silent(),
    )
    const one = client(server.url)
    await one.getOnlineFeatures(ASK)
    const closed = { code: 'features_unavailable', message: 'the feature client is closed' }
    const { signal } = new AbortController()
    const ended = [one.getOnlineFeatures(ASK), one.push(PUSH), one.materialize(HOUR, signal)].map(
      (call) => expect(call).rejects.toMatchObject(closed),
    )
    await expect.poll(() => server.asked.length).toBe(4)
    await one.close()
    await Promise.all(ended)
    await expect.poll(() => server.connections()).toBe(0)
    await expect(one.getOnlineFeatures(ASK)).rejects.toMatchObject(closed)
    expect(server.asked).toHaveLength(4)
  })

  test('closes the client where its block ends', async () => {
    await using server = await startScriptedServer((_asked, response) => good(response))
    {
      await using one = createFeatureClient({ url: server.url, schema: DEMO })
      await one.getOnlineFeatures(ASK)
      expect(await server.connections()).toBe(1)
    }
    await expect.poll(() => server.connections()).toBe(0)
  })
})

describe('an answer that is none', () => {
  test.for<{ name: string; body: string | Buffer; status?: number }>([
    { name: 'no JSON', body: '<html>' },
    { name: 'nothing', body: '' },
    { name: 'another shape', body: '{"results":[]}' },
    { name: 'bytes that are no letters', body: Buffer.from('{"a":"\xff"}', 'latin1') },
    { name: 'a redirect', body: '', status: 302 },
  ])('is no features: $name', async ({ body, status = 200 }) => {
    await using server = await startScriptedServer((_asked, response) => {
      response.writeHead(status, { location: '/elsewhere' }).end(body)
    })
    await expect(client(server.url).getOnlineFeatures(ASK)).rejects.toMatchObject({
      code: 'features_unavailable',
    })
    expect(server.asked).toHaveLength(1)
  })
})

describe('a client', () => {
  test.for([
    { name: 'no URL', options: { url: 'feast:6566' } },
    { name: 'a URL with a password', options: { url: `http://user:${SECRET}@feast:6566` } },
    {
      name: 'a key that is no header',
      options: { url: 'http://feast', key: `${SECRET}\nX-Evil: 1` },
    },
  ])('is not made of $name, and says so without it', ({ options }) => {
    let told: unknown
    try {
      createFeatureClient(options)
    } catch (error) {
      told = error
    }
    expect(told).toMatchObject({ code: 'config_invalid' })
    expect(String((told as Error).stack)).not.toContain(SECRET)
  })

  test('never tells its key, whatever the server says of it', async () => {
    await using server = await startScriptedServer(({ headers }, response) =>
      json(response, 401, { detail: `unknown: ${headers.authorization}` }),
    )
    const call = client(server.url, { key: 'hunter2' }).getOnlineFeatures(ASK)
    const error: unknown = await call.catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'unauthenticated', refusal: { status: 401 } })
    expect(JSON.stringify([error, (error as Error).stack])).not.toContain('hunter2')
    expect((error as Error).message).toMatch(/unknown: Bearer \[key\]$/)
  })

  test.for([
    { name: 'a number that is none', rows: [{ ...ROW_TO_PUSH, rate: Number.NaN }] },
    { name: 'a row without a column', rows: [ROW_TO_PUSH, { driver_id: 2n, rate: 1, at: 0 }] },
    { name: 'a time that is none', rows: [{ ...ROW_TO_PUSH, at: new Date(Number.NaN) }] },
    { name: 'bytes', rows: [{ ...ROW_TO_PUSH, rate: Buffer.from('a') }] },
  ])('refuses to send $name, which JSON would make a null', async ({ rows }) => {
    await using server = await startScriptedServer((_asked, response) => good(response))
    const push = client(server.url).push({ source: 'stats_push', rows: rows as never })
    await expect(push).rejects.toMatchObject({ code: 'invalid_request' })
    expect(server.asked).toEqual([])
  })
})
