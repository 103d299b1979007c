import { Writable } from 'node:stream'
import type { ServedFeatures } from '@usdcop/decision/gates'
import { createLogger } from '@usdcop/service/log'
import type { ReceivedSpan } from '@usdcop/tests/support/otlp-sink'
import { traceThisProcess } from '@usdcop/tests/support/tracing'
import { traceFields } from '@usdcop/tracing/log-fields'
import { traceRequests } from '@usdcop/tracing/requests'
import { withSpan } from '@usdcop/tracing/spans'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { openFeatureServer } from '../src/features/client.ts'
import { createHttpSource } from '../src/features/http-source.ts'
import { createHttpStateSink } from '../src/features/push.ts'
import { auth, startGateway } from './support/gateway.ts'
import { barClosed, contract, rules, SYMBOL, servedAt } from './support/market.ts'
import { emptyMemory, memoryLedger } from './support/memory.ts'

const event = barClosed(0)

/** Feast's answer, on a port of its own, by a service that traces its requests as ours do. */
async function startFeatures() {
  const app = Fastify({ forceCloseConnections: 'idle' })
  traceRequests(app)
  app.post('/get-online-features', (_request, reply) =>
    reply.header('usdcop-definition-hash', contract.definitionHash).send(replyOf(servedAt(event))),
  )
  app.post('/push', () => ({}))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const server = { url, key: 'hunter2', deadlineMs: 2_000 }
  const client = openFeatureServer(server, rules.features)
  onTestFinished(() => client.close())
  return { app, client }
}

function replyOf({ features }: ServedFeatures) {
  return {
    metadata: { feature_names: features.map(({ name }) => name) },
    results: features.map(({ value, status, eventTimestamp }) => ({
      values: [value],
      statuses: [status],
      event_timestamps: [new Date(eventTimestamp ?? 0).toISOString()],
    })),
  }
}

/** Each span with the one it hangs on, by name and kind; what ended first comes first. */
function tree(spans: readonly ReceivedSpan[]): readonly string[] {
  return spans.map(({ name, kind, parentSpanId }) => {
    const parent = spans.find(({ spanId }) => spanId === parentSpanId)
    return `${kind} ${name} < ${parent === undefined ? 'none' : `${parent.kind} ${parent.name}`}`
  })
}

const decided = [
  'server POST /get-online-features < client POST /get-online-features',
  'client POST /get-online-features < consumer process bar_closed',
  'internal run model < consumer process bar_closed',
  'internal commit decision < consumer process bar_closed',
  'server POST /push < client POST /push',
  'client POST /push < consumer process bar_closed',
]

test('a closed bar is a trace of its own, through to the feature server', async () => {
  await using traced = await traceThisProcess()
  const features = await startFeatures()
  {
    await using rig = await startGateway({
      features: createHttpSource(features.client, rules.features),
      state: createHttpStateSink(features.client),
    })
    await rig.close(event)
  }
  await features.app.close()
  const spans = await traced.finish()
  expect(tree(spans).toSorted()).toEqual(
    [...decided, 'consumer process bar_closed < none'].toSorted(),
  )
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  expect(spans.find(({ kind }) => kind === 'consumer')?.attributes).toEqual({
    'usdcop.symbol': SYMBOL,
    'usdcop.decision.trigger': 'bar',
    'usdcop.decision.outcome': expect.stringMatching(/^(LONG|SHORT|FLAT)$/),
  })
  expect(JSON.stringify(spans)).not.toContain('hunter2')
})

test('a question that brings a decision about has all of it in its own trace', async () => {
  await using traced = await traceThisProcess()
  const features = await startFeatures()
  {
    const memory = emptyMemory()
    // The bar is shown when the question has begun, so that nothing decides it before.
    memory.written = 0
    const ledger = memoryLedger(memory)
    await using rig = await startGateway(
      {
        features: createHttpSource(features.client, rules.features),
        state: createHttpStateSink(features.client),
        ledger: {
          ...ledger,
          account(symbol, signal) {
            memory.written = Number.MAX_SAFE_INTEGER
            return ledger.account(symbol, signal)
          },
        },
      },
      memory,
    )
    rig.post(event)
    const url = await rig.app.listen({ host: '127.0.0.1', port: 0 })
    const reply = await fetch(`${url}/v1/decisions`, {
      method: 'POST',
      headers: { ...auth, 'content-type': 'application/json' },
      body: JSON.stringify({ symbol: SYMBOL }),
    })
    expect(reply.status).toBe(201)
  }
  await features.app.close()
  const spans = await traced.finish()
  expect(tree(spans).toSorted()).toEqual(
    [
      ...decided,
      'consumer process bar_closed < server POST /v1/decisions',
      'server POST /v1/decisions < none',
    ].toSorted(),
  )
  expect(spans.find(({ name }) => name === 'POST /v1/decisions')?.attributes).toMatchObject({
    'http.response.status_code': 201,
    'usdcop.symbol': SYMBOL,
    'usdcop.decision.trigger': 'bar',
    'usdcop.decision.outcome': expect.stringMatching(/^(LONG|SHORT|FLAT)$/),
  })
  expect(JSON.stringify(spans)).not.toMatch(/hunter2|a-writer-token/)
})

test('a refusal says its reasons, and its log lines name the trace', async () => {
  await using traced = await traceThisProcess()
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)))
      done()
    },
  })
  const logger = createLogger({ name: 'test', level: 'info', mixin: traceFields, destination })
  await using away = openFeatureServer(
    { url: 'http://127.0.0.1:1', key: '', deadlineMs: 2_000 },
    rules.features,
  )
  {
    await using rig = await startGateway({
      features: createHttpSource(away, rules.features),
      logger,
    })
    await rig.close(event)
  }
  const spans = await traced.finish()
  const root = spans.find(({ kind }) => kind === 'consumer')
  expect(root).toMatchObject({
    status: 'unset',
    attributes: {
      'usdcop.decision.outcome': 'no_action',
      'usdcop.decision.reasons': ['features_unavailable'],
    },
  })
  const attempts = spans.filter(({ kind }) => kind === 'client')
  expect(
    attempts.map(({ status, attributes }) => [
      attributes['http.request.resend_count'],
      attributes['error.type'],
      status,
    ]),
  ).toEqual([
    [undefined, 'ECONNREFUSED', 'error'],
    [1, 'ECONNREFUSED', 'error'],
    [2, 'ECONNREFUSED', 'error'],
  ])
  expect(lines.find(({ msg }) => msg === 'no features to decide on')).toMatchObject({
    trace_id: root?.traceId,
    span_id: root?.spanId,
    trace_flags: '01',
  })
})

test('bars that wait for an asker are decided in the trace of who asked first', async () => {
  await using traced = await traceThisProcess()
  await using rig = await startGateway()
  const { signal } = new AbortController()
  // The first look at the outbox is over, so the bar is not in it.
  await rig.consumer.catchUp(signal)
  rig.post(event)
  await Promise.all(
    ['first', 'second'].map((name) =>
      withSpan(name, {}, async () => await rig.consumer.catchUp(signal)),
    ),
  )
  const spans = await traced.finish()
  expect(tree(spans)).toContain('consumer process bar_closed < internal first')
})
