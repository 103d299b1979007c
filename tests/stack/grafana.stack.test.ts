import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ROOT, readText, secret } from './support/given.ts'
import { ask, askJson } from './support/http.ts'

describe('Grafana', () => {
  test('is healthy', async ({ signal }) => {
    const health = await askJson<object>('grafana', '/api/health', {}, signal)
    expect(health).toMatchObject({ database: 'ok' })
  })

  test('reaches each of its data sources', async ({ signal }) => {
    const headers = administrator()
    const sources = await askJson<readonly { uid: string; type: string }[]>(
      'grafana',
      '/api/datasources',
      { headers },
      signal,
    )
    expect(sources.map(({ uid }) => uid).sort()).toEqual(provisionedSources().sort())
    for (const { uid, type } of sources) {
      const { status } = await ask('grafana', healthPathOf(uid, type), { headers }, signal)
      expect({ uid, status }).toEqual({ uid, status: 200 })
    }
  })

  test('shows every dashboard of this repository', async ({ signal }) => {
    const found = await askJson<readonly { uid: string }[]>(
      'grafana',
      '/api/search?type=dash-db',
      { headers: administrator() },
      signal,
    )
    expect(found.map(({ uid }) => uid).sort()).toEqual(provisionedDashboards().sort())
  })

  test('shows a stranger nothing', async ({ signal }) => {
    expect(await ask('grafana', '/api/datasources', {}, signal)).toMatchObject({ status: 401 })
  })
})

function administrator(): Readonly<Record<string, string>> {
  const pair = Buffer.from(`admin:${secret('grafana_admin_password')}`).toString('base64')
  return { authorization: `Basic ${pair}` }
}

function provisionedSources(): string[] {
  const text = readText('config/grafana/provisioning/datasources/datasources.yml')
  const { datasources } = parse(text) as { datasources: { uid: string }[] }
  return datasources.map(({ uid }) => uid)
}

function provisionedDashboards(): string[] {
  const folder = 'config/grafana/dashboards'
  const files = readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.json'))
  return files.map((name) => (JSON.parse(readText(`${folder}/${name}`)) as { uid: string }).uid)
}

/** Alertmanager's source has no backend that could be asked for its health; its proxy has. */
function healthPathOf(uid: string, type: string): string {
  return type === 'alertmanager'
    ? `/api/datasources/proxy/uid/${uid}/api/v2/status`
    : `/api/datasources/uid/${uid}/health`
}
