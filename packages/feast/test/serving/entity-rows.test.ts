import { expect, test } from 'vitest'
import { keyedReads, readEntityRows } from '../../src/serving/entity-rows.ts'
import { makePlan } from '../../src/serving/plan.ts'
import type { Serving } from '../../src/serving/ttl.ts'
import { entityKey } from '../../src/wire/entity-key.ts'
import { demo } from '../registry/demo-registry.ts'

const plan = makePlan(demo, {
  features: ['stats:rate', 'local:rate', 'total:sum'],
  featureService: undefined,
  fullFeatureNames: true,
})
const reads = (entities: Record<string, unknown[]>, serving: Serving = 'mark') =>
  keyedReads(plan, readEntityRows(plan, entities, serving), serving)
const driver = (value: bigint) => ['driver_id', { type: 'INT64', value }] as const
const city = (value: string) => ['city_name', { type: 'STRING', value }] as const

test('reads duplicate rows once and remembers which row means which key', () => {
  expect(reads({ driver_id: [1, 2, 1], city_name: ['x', 'x', 'x'] })).toEqual([
    {
      view: 'stats',
      features: ['rate'],
      keys: [entityKey([driver(1n)]), entityKey([driver(2n)])],
      keyOfRow: [0, 1, 0],
    },
    {
      view: 'local',
      features: ['rate'],
      keys: [entityKey([driver(1n), city('x')]), entityKey([driver(2n), city('x')])],
      keyOfRow: [0, 1, 0],
    },
    {
      view: 'total',
      features: ['sum'],
      keys: [entityKey([['__dummy_id', { type: 'STRING', value: '' }]])],
      keyOfRow: [0, 0, 0],
    },
  ])
})

test('gives views of the same join keys the same keys, to be read together', () => {
  const twice = makePlan(demo, {
    features: ['stats:rate', 'stats:trips'],
    featureService: undefined,
    fullFeatureNames: false,
  })
  const [view] = twice.views
  if (view === undefined) throw new Error('the plan has a view')
  const doubled = { ...twice, views: [view, view] }
  const [first, second] = keyedReads(
    doubled,
    readEntityRows(plan, { driver_id: [1] }, 'mark'),
    'mark',
  )
  expect(first?.keys).toBe(second?.keys)
})

test.for([
  { given: 1001, read: 1_001n },
  { given: 9_007_199_254_740_993n, read: 9_007_199_254_740_993n },
  { given: ' +7 ', read: 7n },
  { given: '-7', read: -7n },
  { given: true, read: 1n },
  { given: 1e18, read: 10n ** 18n },
])('reads the INT64 $given', ({ given, read }) => {
  expect(readEntityRows(plan, { driver_id: [given] }, 'mark').columns).toEqual(
    new Map([['driver_id', [{ type: 'INT64', value: read }]]]),
  )
})

test.for([
  { given: 'Bogotá', read: 'Bogotá' },
  { given: 5, read: '5' },
  { given: true, read: 'True' },
])('reads the STRING $given', ({ given, read }) => {
  expect(readEntityRows(plan, { city_name: [given] }, 'mark').columns).toEqual(
    new Map([['city_name', [{ type: 'STRING', value: read }]]]),
  )
})

test.for([
  { given: 1.5 },
  { given: 1e19 },
  { given: 'abc' },
  { given: '' },
  { given: null },
  { given: [1] },
  { given: {} },
  { given: 2n ** 63n },
])('refuses the INT64 $given', ({ given }) => {
  expect(() => readEntityRows(plan, { driver_id: [given] }, 'mark')).toThrow(
    expect.objectContaining({ code: 'invalid_request' }),
  )
})

test('cuts a fraction off under strict parity only', () => {
  expect(readEntityRows(plan, { driver_id: [1.5] }, 'strict').columns.get('driver_id')).toEqual([
    { type: 'INT64', value: 1n },
  ])
})

test('takes an entity name for its join key and ignores what no entity knows', () => {
  const rows = readEntityRows(plan, { driver: [1], colour: ['red'] }, 'mark')
  expect([...rows.columns.keys()]).toEqual(['driver_id'])
})

test.for([
  { name: 'no column', entities: {} },
  { name: 'unequal columns', entities: { driver_id: [1, 2], city_name: ['x'] } },
  { name: 'a missing join key', entities: { city_name: ['x'] } },
  { name: 'half a composite key', entities: { driver_id: [1] } },
  { name: 'no rows', entities: { driver_id: [], city_name: [] } },
])('refuses $name', ({ entities }) => {
  expect(() => reads(entities)).toThrow(expect.objectContaining({ code: 'invalid_request' }))
})
