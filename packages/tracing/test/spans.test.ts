import { traceThisProcess } from '@usdcop/tests/support/tracing'
import { expect, test } from 'vitest'
import { injectContext, traceCall } from '../src/calls.ts'
import { traceFields } from '../src/log-fields.ts'
import { withSpan } from '../src/spans.ts'

class Refused extends Error {
  readonly code = 'store_unavailable'
}

test('nests spans by the work they are around', async () => {
  await using traced = await traceThisProcess()
  const answer = await withSpan('process bar_closed', { kind: 'consumer' }, async (span) => {
    span.setAttribute('usdcop.decision.trigger', 'bar')
    return await withSpan('run model', { attributes: { 'usdcop.model': 'ppo' } }, async () => 42)
  })
  expect(answer).toBe(42)
  const [model, root] = await traced.finish()
  expect(root).toMatchObject({
    name: 'process bar_closed',
    kind: 'consumer',
    parentSpanId: '',
    attributes: { 'usdcop.decision.trigger': 'bar' },
  })
  expect(model).toMatchObject({
    name: 'run model',
    kind: 'internal',
    traceId: root?.traceId,
    parentSpanId: root?.spanId,
    attributes: { 'usdcop.model': 'ppo' },
  })
})

test('marks work that failed by its code, and lets the error through', async () => {
  await using traced = await traceThisProcess()
  const work = withSpan('read', {}, () => Promise.reject(new Refused('redis://:hunter2@away')))
  await expect(work).rejects.toThrow(Refused)
  const [span] = await traced.finish()
  expect(span).toMatchObject({ status: 'error', attributes: { 'error.type': 'store_unavailable' } })
  expect(JSON.stringify(span)).not.toContain('hunter2')
})

test('puts a call into a CLIENT span and takes the trace along', async () => {
  await using traced = await traceThisProcess()
  const url = new URL('http://user:hunter2@features:6566/push?key=hunter2')
  const sent: Record<string, string>[] = []
  const answers = [{ status: 503 }, { status: 200 }]
  for (const [resends, answer] of answers.entries())
    expect(
      await traceCall({ method: 'POST', url, resends }, async (headers) => {
        sent.push(headers)
        return answer
      }),
    ).toBe(answer)
  const [first, second] = await traced.finish()
  expect(first).toMatchObject({
    name: 'POST /push',
    kind: 'client',
    status: 'error',
    attributes: { 'http.response.status_code': 503, 'error.type': '503' },
  })
  expect(second).toMatchObject({ status: 'unset' })
  expect(second?.attributes).toEqual({
    'http.request.method': 'POST',
    'http.request.resend_count': 1,
    'http.response.status_code': 200,
    'server.address': 'features',
    'server.port': 6566,
    'url.full': 'http://features:6566/push',
  })
  expect(sent).toEqual(
    [first, second].map((span) => ({ traceparent: `00-${span?.traceId}-${span?.spanId}-01` })),
  )
})

test('does the work and nothing else while tracing is off', async () => {
  const seen = await withSpan('work', {}, async () => [traceFields(), injectContext({ a: '1' })])
  expect(seen).toEqual([{}, { a: '1' }])
})
