import { expect, test } from 'vitest'
import type { FeatureView, OnDemandView } from '../../src/registry/definitions.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { keyedReads, readEntityRows } from '../../src/serving/entity-rows.ts'
import { type FeatureRequest, makePlan } from '../../src/serving/plan.ts'
import { storedName } from '../../src/serving/references.ts'
import { viewMetadataOf } from '../../src/serving/result-columns.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import { DEMO } from '../registry/demo-registry.ts'

const [stats, local, total] = DEMO.views as [FeatureView, FeatureView, FeatureView]
const old: FeatureView = { ...stats, features: [{ name: 'trips', valueType: 'INT32' }] }
const first = { name: 'first', valueType: 'DOUBLE' } as const
const kept: OnDemandView = {
  name: 'kept',
  features: [first, { name: 'second', valueType: 'DOUBLE' }],
  projections: [{ view: 'local', features: ['rate'] }],
  requestSources: [],
  mode: 'pandas',
  writeToOnlineStore: true,
  entities: stats.entities,
  tags: {},
}
const registry = createRegistry({
  ...DEMO,
  views: [
    {
      ...stats,
      version: 2,
      history: new Map([
        [0, old],
        [1, old],
      ]),
    },
    local,
    { ...total, disabled: true },
  ],
  services: [
    {
      name: 'routes',
      projections: [
        { view: 'stats', features: ['rate'], alias: 'from', joinKeyMap: { driver_id: 'origin' } },
        { view: 'stats', features: ['rate'], alias: 'to', joinKeyMap: { driver_id: 'target' } },
      ],
      tags: {},
    },
    { name: 'pinned', projections: [{ view: 'stats', features: ['trips'], version: 1 }], tags: {} },
  ],
  onDemandViews: [
    { ...kept, version: 1, history: new Map([[0, { ...kept, features: [first] }]]) },
    {
      ...kept,
      name: 'computed',
      writeToOnlineStore: false,
      history: new Map([[1, { ...kept, name: 'computed' }]]),
    },
    {
      ...kept,
      name: 'forgot',
      version: 1,
      history: new Map([[0, { ...kept, writeToOnlineStore: false }]]),
    },
  ],
  onlineVersioning: true,
})
const plan = (request: Partial<FeatureRequest>) =>
  makePlan(registry, {
    features: [],
    featureService: undefined,
    fullFeatureNames: true,
    ...request,
  })
const shape = (request: Partial<FeatureRequest>) =>
  plan(request).views.map(({ storedName: stored, columns }) => [stored, ...columns])

test('reads each version of a view under the name it is stored by', () => {
  expect(
    shape({ features: ['stats@v0:trips', 'stats@V1:trips', 'stats@v2:rate', 'stats:rate'] }),
  ).toEqual([
    ['stats', 'stats@v0__trips'],
    ['stats_v1', 'stats@v1__trips'],
    ['stats_v2', 'stats@v2__rate'],
    ['stats_v2', 'stats__rate'],
  ])
  expect(shape({ featureService: 'pinned' })).toEqual([['stats_v1', 'stats@v1__trips']])
})

test('reads each version of a stored on-demand view, and computes the current one of another', () => {
  expect(shape({ features: ['kept@v0:first', 'kept@v1:second', 'kept:second'] })).toEqual([
    ['kept', 'kept@v0__first'],
    ['kept_v1', 'kept@v1__second'],
    ['kept_v1', 'kept__second'],
  ])
  const { views, transforms } = plan({ features: ['computed@v0:first'] })
  expect(transforms.map(({ columns }) => columns)).toEqual([['computed@v0__first']])
  expect(views.map(({ label }) => label)).toEqual(['local'])
  // As it was stored, whatever it is now.
  expect(shape({ features: ['computed@v1:first'] })).toEqual([
    ['computed_v1', 'computed@v1__first'],
  ])
})

test('keeps no version in a stored name where the registry keeps none', () => {
  const plain = createRegistry({ ...DEMO, views: [{ ...stats, version: 3 }, local, total] })
  expect(storedName(plain, plain.views.get('stats') as FeatureView)).toBe('stats')
})

test('names each view of the metadata once, with its version', () => {
  expect(viewMetadataOf(plan({ features: ['stats@v1:trips', 'stats:rate', 'local:rate'] }))).toBe(
    '{"name":"stats","version":1},{"name":"local"}',
  )
})

test('joins one view twice, by the columns its projections name', () => {
  const routes = plan({ featureService: 'routes' })
  const rows = readEntityRows(routes, { origin: [1], target: [2] }, 'mark')
  const key = (value: bigint) => entityKey([['driver_id', { type: 'INT64', value }]])
  expect(keyedReads(routes, rows, 'mark')).toEqual([
    { view: 'stats_v2', features: ['rate'], keys: [key(1n)], keyOfRow: undefined },
    { view: 'stats_v2', features: ['rate'], keys: [key(2n)], keyOfRow: undefined },
  ])
  expect([...rows.columns.keys()]).toEqual(['origin', 'target'])
  expect(routes.views.map(({ columns }) => columns)).toEqual([['from__rate'], ['to__rate']])
})

test.for([
  { code: 'feature_view_version_unknown', features: ['stats@v9:rate'] },
  { code: 'feature_view_version_unknown', features: ['nope@v1:rate'] },
  { code: 'feature_unknown', features: ['stats@v1:rate'] },
  { code: 'feature_view_version_unknown', features: ['kept@v2:first'] },
  { code: 'feature_unknown', features: ['kept@v0:second'] },
  { code: 'not_supported', features: ['forgot@v0:first'] },
  { code: 'feature_view_unknown', features: ['stats@two:rate'] },
  { code: 'feature_name_collision', features: ['stats@v2:rate', 'stats@v2:rate'] },
  { code: 'invalid_request', features: ['total:sum'] },
])('answers $code to $features', ({ code, features }) => {
  expect(() => plan({ features })).toThrow(expect.objectContaining({ code }))
})
