import type { Definitions } from '../../src/registry/definitions.ts'
import { createRegistry } from '../../src/registry/registry.ts'

export const DEMO: Definitions = {
  project: 'demo',
  entities: [
    { name: 'driver', joinKey: 'driver_id', valueType: 'INT64', tags: {} },
    { name: 'city', joinKey: 'city_name', valueType: 'STRING', tags: {} },
  ],
  views: [
    {
      name: 'stats',
      entities: ['driver'],
      features: [
        { name: 'rate', valueType: 'DOUBLE' },
        { name: 'trips', valueType: 'INT32' },
      ],
      ttlMs: 1_000,
      pushSource: 'stats_push',
      tags: {},
    },
    {
      name: 'local',
      entities: ['driver', 'city'],
      features: [{ name: 'rate', valueType: 'DOUBLE' }],
      ttlMs: 0,
      pushSource: undefined,
      tags: {},
    },
    {
      name: 'total',
      entities: [],
      features: [{ name: 'sum', valueType: 'DOUBLE' }],
      ttlMs: 0,
      pushSource: undefined,
      tags: {},
    },
  ],
  services: [
    { name: 'both', projections: [{ view: 'stats', features: ['rate', 'trips'] }], tags: {} },
  ],
  pushSources: [{ name: 'stats_push', timestampField: 'at' }],
}

export const demo = createRegistry(DEMO)
