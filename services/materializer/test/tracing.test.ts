import { traceThisProcess } from '@usdcop/tests/support/tracing'
import { expect, test } from 'vitest'
import { openEmbedded } from './support/embedded.ts'
import { at, SESSIONS, USD } from './support/market.ts'
import { startService, TOKENS } from './support/service.ts'

const [FIRST] = SESSIONS

test('traces the bars it is sent, and neither health nor the key', {
  timeout: 60_000,
}, async () => {
  await using traced = await traceThisProcess()
  {
    await using service = await startService(openEmbedded, at(FIRST, '14:00'))
    const url = await service.app.listen({ host: '127.0.0.1', port: 0 })
    for (const path of ['/livez', '/readyz', '/metrics'])
      expect((await fetch(`${url}${path}`)).status).toBe(200)
    const prices = { open: 4_000, high: 4_010, low: 3_990, close: 4_005 }
    const reply = await fetch(`${url}/v1/bars`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${TOKENS.writer}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ bars: [{ symbol: USD, time: `${FIRST}T13:00:00Z`, ...prices }] }),
    })
    expect(await reply.json()).toMatchObject({ accepted: 1 })
  }
  const spans = await traced.finish()
  expect(spans).toMatchObject([
    { name: 'POST /v1/bars', kind: 'server', attributes: { 'http.response.status_code': 200 } },
  ])
  expect(JSON.stringify(spans)).not.toContain(TOKENS.writer)
})
