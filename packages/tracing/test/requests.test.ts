import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { traceThisProcess } from '@usdcop/tests/support/tracing'
import type { FastifyInstance } from 'fastify'
import { expect, test } from 'vitest'
import { traceFields } from '../src/log-fields.ts'
import { describeSpan } from '../src/spans.ts'
import { listening } from './app.ts'

const post = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"symbol":"USD/COP"}',
  })

function connectTo(app: FastifyInstance): Socket {
  return connect((app.server.address() as AddressInfo).port, '127.0.0.1')
}

test('makes one SERVER span a request, named by its route and a child of the caller', async () => {
  await using traced = await traceThisProcess({ serviceName: 'feature-server' })
  const { app, url } = await listening((on) => on.get('/bars/:id', () => 'one'))
  const traceId = '0af7651916cd43dd8448eb211c80319c'
  const traceparent = `00-${traceId}-b7ad6b7169203331-01`
  await fetch(`${url}/bars/7?key=hidden`, { headers: { traceparent } })
  await app.close()
  const spans = await traced.finish()
  expect(spans).toEqual([
    {
      traceId,
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: 'b7ad6b7169203331',
      name: 'GET /bars/:id',
      kind: 'server',
      status: 'unset',
      events: [],
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/bars/:id',
        'http.response.status_code': 200,
        'url.path': '/bars/7',
        'url.scheme': 'http',
      },
      resource: {
        'service.name': 'feature-server',
        'service.namespace': 'usdcop',
        'service.version': expect.stringMatching(/^\d+\.\d+\.\d+$/),
        'service.instance.id': expect.stringMatching(/^[0-9a-f-]{36}$/),
        'deployment.environment.name': 'test',
        'telemetry.sdk.language': 'nodejs',
        'telemetry.sdk.name': 'opentelemetry',
        'telemetry.sdk.version': expect.any(String),
      },
    },
  ])
})

test('is active in every hook and handler behind it, though the body came late', async () => {
  await using traced = await traceThisProcess()
  const seen: Record<string, unknown> = {}
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { app } = await listening((on) => {
    on.addHook('onRequest', async () => begin())
    on.addHook('preHandler', async () => void (seen['preHandler'] = traceFields()))
    on.addHook('onSend', async () => void (seen['onSend'] = traceFields()))
    on.post('/push', async () => {
      seen['handler'] = traceFields()
      await turn()
      seen['later'] = traceFields()
      describeSpan({ 'usdcop.symbol': 'USD/COP' })
      return {}
    })
  })
  // A body that is there with the headers is read in their context; this one comes from the socket.
  const socket = connectTo(app)
  const answered = once(socket, 'data')
  socket.write('POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n')
  socket.write('content-type: application/json\r\nconnection: close\r\n\r\n')
  await begun
  socket.write('{}')
  expect(String(await answered)).toMatch(/^HTTP\/1.1 200 /)
  await app.close()
  const [span] = await traced.finish()
  const here = { trace_id: span?.traceId, span_id: span?.spanId, trace_flags: '01' }
  expect(seen).toEqual({ preHandler: here, handler: here, later: here, onSend: here })
  expect(span?.attributes['usdcop.symbol']).toBe('USD/COP')
})

test('is active while an error is answered that came with the body', async () => {
  await using traced = await traceThisProcess()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const seen: unknown[] = []
  const { app } = await listening((on) => {
    on.addHook('onRequest', async () => begin())
    on.setErrorHandler((_error, _request, reply) => {
      seen.push(traceFields())
      return reply.code(400).send()
    })
    on.post('/push', () => 'ok')
  })
  const socket = connectTo(app)
  const answered = once(socket, 'data')
  socket.write('POST /push HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\n')
  socket.write('content-type: application/json\r\nconnection: close\r\n\r\n')
  await begun
  socket.write('{')
  expect(String(await answered)).toMatch(/^HTTP\/1.1 400 /)
  await app.close()
  const [span] = await traced.finish()
  expect(seen).toEqual([{ trace_id: span?.traceId, span_id: span?.spanId, trace_flags: '01' }])
})

test('keeps two requests on one connection apart', async () => {
  await using traced = await traceThisProcess()
  const seen: unknown[] = []
  const { app, url } = await listening((on) =>
    on.post('/push', async () => void seen.push(traceFields())),
  )
  await post(`${url}/push`)
  await post(`${url}/push`)
  await app.close()
  const spans = await traced.finish()
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(2)
  expect(seen).toEqual(
    spans.map(({ traceId, spanId }) => ({
      trace_id: traceId,
      span_id: spanId,
      trace_flags: '01',
    })),
  )
})

test('makes no spans of health, metrics and streams', async () => {
  await using traced = await traceThisProcess()
  const silent = ['/livez', '/readyz', '/health', '/metrics', '/events']
  const { app, url } = await listening(
    (on) => {
      for (const path of [...silent, '/told']) on.get(path, () => 'ok')
    },
    ['/events'],
  )
  for (const path of [...silent, '/told']) expect((await fetch(`${url}${path}`)).ok).toBe(true)
  await app.close()
  expect((await traced.finish()).map(({ name }) => name)).toEqual(['GET /told'])
})

test('marks what the service failed at, and nothing that the caller got wrong', async () => {
  await using traced = await traceThisProcess()
  const { app, url } = await listening((on) => {
    on.get('/broken', async () => {
      throw new RangeError('out of range')
    })
    on.get('/away', (_request, reply) => reply.code(503).send())
    on.post('/strict', () => 'ok')
  })
  await fetch(`${url}/broken`)
  await fetch(`${url}/away`)
  await fetch(`${url}/strict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{',
  })
  await fetch(`${url}/nowhere/7`)
  await app.close()
  const spans = await traced.finish()
  expect(
    spans.map(({ name, status, attributes, events }) => [
      name,
      attributes['http.response.status_code'],
      status,
      attributes['error.type'],
      events.map((event) => event.attributes['exception.type']),
    ]),
  ).toEqual([
    ['GET /broken', 500, 'error', 'RangeError', ['RangeError']],
    ['GET /away', 503, 'error', '503', []],
    ['POST /strict', 400, 'unset', undefined, []],
    ['GET', 404, 'unset', undefined, []],
  ])
})

test('says where an error was thrown, and never what it or the request said', async () => {
  await using traced = await traceThisProcess()
  const { app, url } = await listening((on) =>
    on.post('/push', async () => {
      throw new Error('cannot reach\n    at postgres://usdcop:hunter2@db/usdcop')
    }),
  )
  await post(`${url}/push?token=hunter2`, {
    authorization: 'Bearer hunter2',
    cookie: 'session=hunter2',
    'x-api-key': 'hunter2',
  })
  await app.close()
  const spans = await traced.finish()
  const [event] = spans[0]?.events ?? []
  expect(event?.attributes['exception.stacktrace']).toMatch(/^ +at .*requests\.test\.ts/)
  expect(JSON.stringify(spans)).not.toContain('hunter2')
})

test('ends the span of a caller who left, without a status that was never sent', async () => {
  await using traced = await traceThisProcess()
  const asked = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const { app } = await listening((on) =>
    on.get('/slow', async (_request, reply) => {
      reply.raw.once('close', left.resolve)
      asked.resolve()
      await left.promise
      return 'too late'
    }),
  )
  const socket = connectTo(app)
  socket.write('GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await asked.promise
  socket.destroy()
  await once(socket, 'close')
  await left.promise
  await app.close()
  const [span] = await traced.finish()
  expect(span?.name).toBe('GET /slow')
  expect(span?.attributes['error.type']).toBe('caller_left')
  expect(span?.attributes).not.toHaveProperty('http.response.status_code')
})

test('adds nothing to an app that is built while tracing is off', async () => {
  const { app, url } = await listening((on) => on.get('/told', () => traceFields()))
  await using traced = await traceThisProcess()
  expect(await (await fetch(`${url}/told`)).json()).toEqual({})
  await app.close()
  expect(await traced.finish()).toEqual([])
})
