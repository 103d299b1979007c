import { describe, expect, test } from 'vitest'
import { secret } from './support/given.ts'
import { ask, askJson } from './support/http.ts'

describe('Grafana', () => {
  test('is healthy', async ({ signal }) => {
    const health = await askJson<object>('grafana', '/api/health', {}, signal)
    expect(health).toMatchObject({ database: 'ok' })
  })

  test('reaches each of its five data sources', async ({ signal }) => {
    const headers = administrator()
    const sources = await askJson<readonly { uid: string; type: string }[]>(
      'grafana',
      '/api/datasources',
      { headers },
      signal,
    )
    expect(sources.map(({ type }) => type).sort()).toEqual([
      'alertmanager',
      'grafana-postgresql-datasource',
      'jaeger',
      'loki',
      'prometheus',
    ])
    for (const { uid } of sources) {
      const health = await askJson<object>(
        'grafana',
        `/api/datasources/uid/${uid}/health`,
        { headers },
        signal,
      )
      expect(health).toMatchObject({ status: 'OK' })
    }
  })

  test('shows the three dashboards of the seed', async ({ signal }) => {
    const found = await askJson<readonly { uid: string }[]>(
      'grafana',
      '/api/search?type=dash-db',
      { headers: administrator() },
      signal,
    )
    expect(found.map(({ uid }) => uid)).toEqual(
      expect.arrayContaining(['trading-performance', 'mlops-monitoring', 'system-health']),
    )
  })

  test('shows a stranger nothing', async ({ signal }) => {
    expect(await ask('grafana', '/api/datasources', {}, signal)).toMatchObject({ status: 401 })
  })
})

function administrator(): Readonly<Record<string, string>> {
  const pair = Buffer.from(`admin:${secret('grafana_admin_password')}`).toString('base64')
  return { authorization: `Basic ${pair}` }
}
