import type { Definitions } from '@usdcop/feast/registry/definitions'
import { createRegistry } from '@usdcop/feast/registry/registry'

const view = (name: string, pushSource?: string) => ({
  name,
  entities: ['driver'],
  features: [{ name: `${name}_rate`, valueType: 'DOUBLE' as const }],
  ttlMs: 0,
  pushSource,
  batchSource: { name: `${name}_file`, kind: 'BATCH_FILE', timestampField: 'at', tags: {} },
  tags: { team: name },
})

export const DEMO: Definitions = {
  project: 'demo',
  entities: [{ name: 'driver', joinKey: 'driver_id', valueType: 'INT64', tags: {} }],
  views: [view('stats', 'stats_push'), view('trips')],
  services: [
    {
      name: 'both',
      projections: ['stats', 'trips'].map((name) => ({ view: name, features: [`${name}_rate`] })),
      tags: {},
    },
  ],
  pushSources: [{ name: 'stats_push', timestampField: 'at', batchSource: 'stats_file' }],
}

export const demo = createRegistry(DEMO)

export const row = (view: string, rate: unknown = 0.5, driver: unknown = 1001) => ({
  driver_id: [driver],
  [`${view}_rate`]: [rate],
  at: ['2025-03-03T15:30:00Z'],
})

export function post(url: string, body: unknown, token?: string) {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json', ...authorization },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  } as const
}

export const askFor = (...features: string[]) => ({ entities: { driver_id: [1001] }, features })

/** An error detail as Feast's SDK reads it: JSON inside JSON. */
export function detailIn(body: string): { class: string; message: string } {
  return JSON.parse(JSON.parse(body) as string) as { class: string; message: string }
}
