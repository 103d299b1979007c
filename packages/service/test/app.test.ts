import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createApp } from '../src/app.ts'
import { createKeyring, guardReads } from '../src/auth.ts'
import { ServiceError } from '../src/errors.ts'
import { type Probe, ProbedState } from '../src/health.ts'
import { checkHost, LOOPBACK_NAMES } from '../src/host-check.ts'
import { createRegistry } from '../src/metrics.ts'
import { loggerWithSink } from './sink.ts'

function build(probes: Record<string, Probe> = {}, bindHost = '127.0.0.1') {
  const { logger, lines } = loggerWithSink()
  const mayRead = guardReads(createKeyring([]), bindHost)
  const app = createApp({
    logger,
    registry: createRegistry('test'),
    probes,
    mayRead,
    bodyLimitBytes: 64,
  })
  const Body = z.object({ bars: z.array(z.object({ open: z.number() })) })
  app.post('/bars', (request) => Body.parse(request.body))
  app.get('/items/:id', () => ({ ok: true }))
  app.get('/broken', () => {
    throw new Error('password=hunter2')
  })
  app.get('/known', () => {
    throw new ServiceError('store_unavailable', 'redis at 10.0.0.5 refused')
  })
  app.get('/page', { onRequest: checkHost(LOOPBACK_NAMES) }, () => 'page')
  return { app, lines }
}

test.for([
  {
    name: 'a field of the wrong type',
    request: { method: 'POST', url: '/bars', payload: { bars: [{ open: 'x' }] } },
    status: 400,
    code: 'invalid_request',
    message: /bars\.0\.open/,
  },
  {
    name: 'malformed JSON',
    request: {
      method: 'POST',
      url: '/bars',
      headers: { 'content-type': 'application/json' },
      payload: '{',
    },
    status: 400,
    code: 'invalid_request',
    message: /JSON/,
  },
  {
    name: 'a body over the limit',
    request: { method: 'POST', url: '/bars', payload: { bars: 'x'.repeat(100) } },
    status: 413,
    code: 'payload_too_large',
    message: /large/,
  },
  {
    name: 'an unknown media type',
    request: {
      method: 'POST',
      url: '/bars',
      headers: { 'content-type': 'text/csv' },
      payload: 'a',
    },
    status: 415,
    code: 'unsupported_media_type',
    message: /Media Type/i,
  },
  {
    name: 'an unknown route',
    request: { method: 'GET', url: '/nowhere?token=abc' },
    status: 404,
    code: 'not_found',
    message: /^no route GET \/nowhere$/,
  },
  {
    name: 'an undecodable path',
    request: { method: 'GET', url: '/items/%E0%A4%A' },
    status: 400,
    code: 'invalid_request',
    message: /./,
  },
  {
    name: 'a known fault of ours',
    request: { method: 'GET', url: '/known' },
    status: 503,
    code: 'store_unavailable',
    message: /^the service cannot answer now; try again$/,
  },
  {
    name: 'an unknown fault of ours',
    request: { method: 'GET', url: '/broken' },
    status: 500,
    code: 'internal',
    message: /^the service failed; its log has the reason under this request id$/,
  },
] as const)('answers $name in the error shape', async ({ request, status, code, message }) => {
  const { app } = build()
  await using _ = app
  const answer = await app.inject({
    ...request,
    headers: { 'x-request-id': 'r-1', ...('headers' in request ? request.headers : {}) },
  })
  expect(answer.statusCode).toBe(status)
  expect(answer.json()).toMatchObject({
    error: { code, message: expect.stringMatching(message), requestId: 'r-1' },
  })
})

test('logs the reason of a server fault once and keeps it from the caller', async () => {
  const { app, lines } = build()
  await using _ = app
  const answer = await app.inject({ url: '/broken' })
  expect(answer.body).not.toContain('hunter2')
  expect(lines.filter((line) => JSON.stringify(line).includes('hunter2'))).toHaveLength(1)
})

test('keeps a harmless request id and replaces any other', async () => {
  const { app } = build()
  await using _ = app
  const idOf = async (id: string) =>
    (await app.inject({ url: '/livez', headers: { 'x-request-id': id } })).headers['x-request-id']
  expect(await idOf('trace-7.a')).toBe('trace-7.a')
  expect(await idOf('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/)
  expect(await idOf('a b"')).toMatch(/^[0-9a-f-]{36}$/)
})

test('stays live and says which dependency is not ready', async () => {
  const { app } = build({
    redis: async () => 'PONG',
    database: (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('slow')))),
  })
  await using _ = app
  expect((await app.inject('/livez')).statusCode).toBe(200)
  const ready = await app.inject('/readyz')
  expect(ready.statusCode).toBe(503)
  expect(ready.json()).toEqual({ ready: false, checks: { redis: true, database: false } })
})

test('says which state a probe has found, and whether that will do', async () => {
  const { app } = build({
    redis: async () => 'PONG',
    primary: async () => new ProbedState(false, 'sealed'),
    replica: async () => new ProbedState(true, 'standby'),
  })
  await using _ = app
  const ready = await app.inject('/readyz')
  expect([ready.statusCode, ready.json()]).toEqual([
    503,
    {
      ready: false,
      checks: { redis: true, primary: false, replica: true },
      states: { primary: 'sealed', replica: 'standby' },
    },
  ])
})

test('keeps its metrics from strangers, and its health from nobody', async () => {
  const { app } = build({}, '0.0.0.0')
  await using _ = app
  expect((await app.inject('/metrics')).statusCode).toBe(401)
  expect((await app.inject('/livez')).statusCode).toBe(200)
})

test('labels requests by route template', async () => {
  const { app } = build()
  await using _ = app
  await app.inject('/items/1')
  await app.inject('/items/2')
  const { body } = await app.inject('/metrics')
  expect(body).toContain(
    'usdcop_http_request_duration_seconds_count{method="GET",route="/items/:id",status="200",service="test"} 2',
  )
})

test.for([
  { name: 'its own host', headers: { host: 'localhost:8090' }, status: 200 },
  {
    name: 'its own host and origin',
    headers: { host: '127.0.0.1:80', origin: 'http://127.0.0.1:80' },
    status: 200,
  },
  { name: 'a rebound name', headers: { host: 'evil.example:8090' }, status: 403 },
  {
    name: 'a foreign origin',
    headers: { host: 'localhost:8090', origin: 'http://evil.example' },
    status: 403,
  },
  { name: 'an opaque origin', headers: { host: 'localhost:8090', origin: 'null' }, status: 403 },
])('answers $status to a page asked for by $name', async ({ headers, status }) => {
  const { app } = build()
  await using _ = app
  expect((await app.inject({ url: '/page', headers })).statusCode).toBe(status)
})

test('answers bytes that are no HTTP in the error shape and goes on', async () => {
  const { app } = build()
  await using _ = app
  const port = Number(new URL(await app.listen({ port: 0 })).port)
  const socket = connect(port, '127.0.0.1')
  socket.end('NOT HTTP AT ALL\r\n\r\n')
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  expect(Buffer.concat(chunks).toString()).toMatch(
    /^HTTP\/1\.1 400 [\s\S]*"code":"invalid_request"/,
  )
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200)
})
