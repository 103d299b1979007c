import { Writable } from 'node:stream'
import { createRegistry } from '@usdcop/feast/registry/registry'
import { ServiceError } from '@usdcop/service/errors'
import { createLogger } from '@usdcop/service/log'
import { traceThisProcess } from '@usdcop/tests/support/tracing'
import { traceFields } from '@usdcop/tracing/log-fields'
import { expect, test } from 'vitest'
import { TOKENS, temporaryStore, testApp } from './feature-server.ts'

const registry = createRegistry({
  project: 'demo',
  entities: [{ name: 'symbol', joinKey: 'symbol', valueType: 'STRING', tags: {} }],
  views: [
    {
      name: 'bars',
      entities: ['symbol'],
      features: [{ name: 'close', valueType: 'DOUBLE' }],
      ttlMs: 60_000,
      pushSource: undefined,
      tags: {},
    },
  ],
  services: [],
  pushSources: [],
})
const question = JSON.stringify({ features: ['bars:close'], entities: { symbol: ['USD/COP'] } })
const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKENS.reader}` }

test('traces what is asked of it over a socket, and neither health nor the key', async () => {
  await using traced = await traceThisProcess()
  await using store = temporaryStore('demo')
  const app = testApp({ registry, store })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/livez', '/readyz', '/health', '/metrics'])
    expect((await fetch(`${url}${path}`)).status).toBe(200)
  const ask = { method: 'POST', headers, body: question }
  expect((await fetch(`${url}/get-online-features`, ask)).status).toBe(200)
  await app.close()
  const spans = await traced.finish()
  expect(spans).toMatchObject([
    {
      name: 'POST /get-online-features',
      kind: 'server',
      status: 'unset',
      attributes: { 'http.route': '/get-online-features', 'http.response.status_code': 200 },
    },
  ])
  expect(JSON.stringify(spans)).not.toContain(TOKENS.reader)
})

test('a failed request is one span and one log line that name each other, without its words', async () => {
  await using traced = await traceThisProcess()
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  await using whole = temporaryStore('demo')
  const app = testApp({
    registry,
    store: {
      ...whole,
      readPacked: () =>
        Promise.reject(new ServiceError('store_unavailable', 'redis://:hunter2@away')),
    },
    logger: createLogger({
      name: 'feature-server',
      level: 'info',
      mixin: traceFields,
      destination,
    }),
  })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const ask = { method: 'POST', headers, body: question }
  expect((await fetch(`${url}/get-online-features`, ask)).status).toBe(503)
  await app.close()
  const spans = await traced.finish()
  expect(spans).toMatchObject([
    { status: 'error', attributes: { 'error.type': 'store_unavailable' } },
  ])
  expect(lines.filter(({ msg }) => msg === 'request failed')).toMatchObject([
    { trace_id: spans[0]?.traceId, span_id: spans[0]?.spanId },
  ])
  expect(JSON.stringify(spans)).not.toContain('hunter2')
})
