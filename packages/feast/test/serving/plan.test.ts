import { expect, test } from 'vitest'
import { createPlanner, type FeatureRequest, makePlan } from '../../src/serving/plan.ts'
import { demo } from '../registry/demo-registry.ts'

const ask = (request: Partial<FeatureRequest>): FeatureRequest => ({
  features: [],
  featureService: undefined,
  fullFeatureNames: false,
  ...request,
})
const shape = (request: Partial<FeatureRequest>) =>
  makePlan(demo, ask(request)).views.map(({ view, joinKeys, columns }) => ({
    view: view.name,
    joinKeys: joinKeys.map(({ name }) => name),
    columns,
  }))

test('groups features by view, in the order of first mention', () => {
  expect(shape({ features: ['total:sum', 'stats:trips', 'local@latest:rate'] })).toEqual([
    { view: 'total', joinKeys: [], columns: ['sum'] },
    { view: 'stats', joinKeys: ['driver_id'], columns: ['trips'] },
    { view: 'local', joinKeys: ['driver_id', 'city_name'], columns: ['rate'] },
  ])
})

test('names columns by view and feature when full names are asked for', () => {
  expect(shape({ features: ['stats:rate', 'local:rate'], fullFeatureNames: true })).toEqual([
    { view: 'stats', joinKeys: ['driver_id'], columns: ['stats__rate'] },
    { view: 'local', joinKeys: ['driver_id', 'city_name'], columns: ['local__rate'] },
  ])
})

test('prefers a service to a list', () => {
  expect(shape({ featureService: 'both', features: ['nope:nope'] })).toEqual([
    { view: 'stats', joinKeys: ['driver_id'], columns: ['rate', 'trips'] },
  ])
})

test('plans an equal request once, and each other one anew', () => {
  const plan = createPlanner({ current: demo })
  const first = plan(ask({ features: ['stats:rate'] }))
  expect(plan(ask({ features: ['stats:rate'] }))).toBe(first)
  expect(plan(ask({ features: ['stats:rate'], fullFeatureNames: true }))).not.toBe(first)
  expect(plan(ask({ featureService: 'both' }))).not.toBe(first)
})

test.for([
  { code: 'invalid_request', request: {} },
  { code: 'invalid_request', request: { features: ['rate'] } },
  { code: 'invalid_request', request: { features: ['stats@v2:rate'] } },
  { code: 'feature_view_unknown', request: { features: ['nope:rate'] } },
  { code: 'feature_view_unknown', request: { features: ['stats@two:rate'] } },
  { code: 'feature_unknown', request: { features: ['stats:nope'] } },
  { code: 'feature_service_unknown', request: { featureService: 'nope' } },
  { code: 'feature_name_collision', request: { features: ['stats:rate', 'local:rate'] } },
  {
    code: 'feature_name_collision',
    request: { features: ['stats:rate', 'stats:rate'], fullFeatureNames: true },
  },
])('answers $code to $request', ({ code, request }) => {
  expect(() => makePlan(demo, ask(request))).toThrow(expect.objectContaining({ code }))
})
