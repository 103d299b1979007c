import { expect, test } from 'vitest'
import {
  createRegistry,
  findFeature,
  findService,
  findView,
  viewsOfPushSource,
} from '../../src/registry/registry.ts'
import { DEMO, demo } from './demo-registry.ts'

test('names every fault of its definitions at once', () => {
  const [stats] = DEMO.views
  const [service] = DEMO.services
  if (stats === undefined || service === undefined) throw new Error('the demo has both')
  const broken = {
    ...DEMO,
    project: '_demo',
    views: [
      ...DEMO.views,
      stats,
      { ...stats, name: 'a', entities: ['nobody'], pushSource: 'nothing', ttlMs: -1 },
      { ...stats, name: 'b', features: [] },
      { ...stats, name: 'c', features: [{ name: 'driver_id', valueType: 'INT64' as const }] },
    ],
    services: [
      {
        ...service,
        projections: [
          { view: 'stats', features: ['gone'] },
          { view: 'z', features: [] },
        ],
      },
    ],
  }
  expect(() => createRegistry(broken)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: [
        "feature view 'stats' is defined twice",
        "project '_demo' is not a Feast project name",
        "view 'a' names the unknown entity 'nobody'",
        "view 'a' has the ttl -1 ms",
        "view 'a' names the unknown push source 'nothing'",
        "view 'b' has no features",
        "view 'c' has the column 'driver_id' twice",
        "service 'both' names the unknown feature 'stats:gone'",
        "service 'both' names the unknown view 'z'",
      ].join('; '),
    }),
  )
})

test('finds what it holds', () => {
  expect(findView(demo, 'stats').name).toBe('stats')
  expect(findService(demo, 'both').name).toBe('both')
  expect(findFeature(findView(demo, 'stats'), 'trips').valueType).toBe('INT32')
  expect(viewsOfPushSource(demo, 'stats_push').map(({ name }) => name)).toEqual(['stats'])
})

test.for([
  { code: 'feature_view_unknown', find: () => findView(demo, 'nope') },
  { code: 'feature_service_unknown', find: () => findService(demo, 'nope') },
  { code: 'feature_unknown', find: () => findFeature(findView(demo, 'stats'), 'nope') },
  { code: 'push_source_unknown', find: () => viewsOfPushSource(demo, 'nope') },
])('answers $code for what it does not hold', ({ code, find }) => {
  expect(find).toThrow(expect.objectContaining({ code }))
})
