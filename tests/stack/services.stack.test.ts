import { describe, expect, test } from 'vitest'
import { OUR_SERVERS } from './support/addresses.ts'
import { secret } from './support/given.ts'
import { as, ask, askJson } from './support/http.ts'

describe('Our services', () => {
  test.for(OUR_SERVERS)(
    '%s lives and is ready, and says so to anybody',
    async (service, { signal }) => {
      expect(await askJson(service, '/livez', {}, signal)).toEqual({ status: 'ok' })
      const { ready, checks } = await askJson<{ ready: boolean; checks: Record<string, boolean> }>(
        service,
        '/readyz',
        {},
        signal,
      )
      expect(ready).toBe(true)
      expect(Object.values(checks)).toEqual(Object.keys(checks).map(() => true))
    },
  )

  test.for(OUR_SERVERS)('%s shows its metrics to a reader', async (service, { signal }) => {
    const { status, text } = await ask(service, '/metrics', { headers: as.reader() }, signal)
    expect(status).toBe(200)
    expect(text).toContain('usdcop_http_request_duration_seconds_bucket')
  })

  test.for(OUR_SERVERS)('%s answers an unknown route in one shape', async (service, { signal }) => {
    const { status, text } = await ask(service, '/nowhere', {}, signal)
    expect(status).toBe(404)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'not_found' } })
  })

  test('the console opens to a reader’s key given as a password', async ({ signal }) => {
    const key = secret('reader_key')
    const headers = { authorization: `Basic ${Buffer.from(`anyone:${key}`).toString('base64')}` }
    const page = await ask('inference-gateway', '/', { headers }, signal)
    expect(page.status).toBe(200)
    expect(page.text).toContain('<html')
    const snapshot = await askJson<object>(
      'inference-gateway',
      '/console/snapshot',
      { headers },
      signal,
    )
    expect(snapshot).toMatchObject({ symbol: 'USD/COP', model: { name: expect.any(String) } })
  })
})
