import { expect, test } from 'vitest'
import type { OnDemandView } from '../../src/registry/definitions.ts'
import { createRegistry } from '../../src/registry/registry.ts'
import { assembleReply, needsAssembly } from '../../src/serving/assembled-reply.ts'
import { readEntityRows } from '../../src/serving/entity-rows.ts'
import { type FeatureRequest, makePlan } from '../../src/serving/plan.ts'
import { createTransformer } from '../../src/serving/transform.ts'
import type { Serving } from '../../src/serving/ttl.ts'
import type { OnlineStore, StoredRow, ViewRead } from '../../src/stores/online-store.ts'
import { BYTES, ProtoWriter } from '../../src/wire/protobuf.ts'
import { encodeTimestamp, timestampParts } from '../../src/wire/timestamp.ts'
import { encodeValue } from '../../src/wire/value.ts'
import type { Value } from '../../src/wire/value-types.ts'
import { DEMO } from '../registry/demo-registry.ts'

const NOW = 100_000
const half: Value = { type: 'DOUBLE', value: 0.5 }

const scaled: OnDemandView = {
  name: 'scaled',
  features: [{ name: 'twice', valueType: 'DOUBLE' }],
  projections: [{ view: 'stats', features: ['rate'] }],
  requestSources: [{ name: 'asked', schema: [{ name: 'factor', valueType: 'DOUBLE' }] }],
  mode: 'typescript',
  transform: ({ stats__rate: rate, factor }) => ({
    twice:
      rate?.type === 'DOUBLE' && factor?.type === 'DOUBLE'
        ? { type: 'DOUBLE', value: rate.value * factor.value }
        : null,
  }),
  tags: {},
}
const registryOf = (...onDemandViews: OnDemandView[]) =>
  createRegistry({
    ...DEMO,
    onDemandViews,
    services: [
      {
        name: 'vectors',
        projections: [{ view: 'stats', features: ['rate', 'trips'] }],
        precomputeOnline: true,
        tags: {},
      },
    ],
  })

const storeOf = (answer: (read: ViewRead) => readonly (StoredRow | undefined)[]) =>
  ({ read: async (reads: readonly ViewRead[]) => reads.map(answer) }) as unknown as OnlineStore

async function ask(
  view: OnDemandView,
  request: Partial<FeatureRequest> & { readonly entities: Record<string, unknown[]> },
  answer: (read: ViewRead) => readonly (StoredRow | undefined)[],
  serving: Serving = 'mark',
) {
  const { entities, ...rest } = request
  const plan = makePlan(registryOf(view), {
    features: [],
    featureService: undefined,
    fullFeatureNames: false,
    ...rest,
  })
  expect(needsAssembly(plan)).toBe(true)
  const rows = readEntityRows(plan, entities, serving)
  const transform = createTransformer()
  const input = { plan, rows, now: NOW, serving, viewMetadata: false, transform }
  const signal = AbortSignal.timeout(5_000)
  const { body, counts } = await assembleReply({ ...input, store: storeOf(answer) }, signal)
  const reply = JSON.parse(body.toString()) as {
    metadata: { feature_names: string[] }
    results: { values: unknown[]; statuses: string[]; event_timestamps: string[] }[]
  }
  const columns = reply.metadata.feature_names.map((name, at) => [name, reply.results[at]] as const)
  return { columns: Object.fromEntries(columns), counts: counts.map((each) => [...each]) }
}

const fresh: StoredRow = { eventTimestamp: NOW, values: [half] }
const computing = { features: ['scaled:twice'], entities: { driver_id: [1, 2], factor: [3, 4] } }

test('computes from what is stored and what is asked, and shows neither', async () => {
  const { columns, counts } = await ask(scaled, computing, () => [fresh, undefined])
  expect(columns).toEqual({
    driver_id: {
      values: [1, 2],
      statuses: ['PRESENT', 'PRESENT'],
      event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
    },
    twice: {
      values: [1.5, null],
      statuses: ['PRESENT', 'NULL_VALUE'],
      event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
    },
  })
  expect(counts).toEqual([[0, 0, 0, 0]])
})

test('shows an input that is asked for too, and counts it', async () => {
  const request = { ...computing, features: ['scaled:twice', 'stats:rate'], fullFeatureNames: true }
  const { columns, counts } = await ask(scaled, request, () => [fresh, undefined])
  expect(Object.keys(columns)).toEqual(['driver_id', 'stats__rate', 'scaled__twice'])
  expect(counts).toEqual([[1, 0, 1, 0]])
})

test('reads nothing for a view that computes from the request alone', async () => {
  const alone: OnDemandView = {
    ...scaled,
    projections: [],
    transform: ({ factor = null }) => ({ twice: factor }),
  }
  const nothing = () => {
    throw new Error('the store is asked')
  }
  const { columns } = await ask(alone, { ...computing, entities: { factor: [3] } }, nothing)
  expect(columns['twice']?.values).toEqual([3])
})

test('computes with no value that is too old, where those are not told', async () => {
  const old = { ...fresh, eventTimestamp: NOW - 2_000 }
  const told = async (serving: Serving) =>
    (await ask(scaled, computing, () => [old, old], serving)).columns['twice']?.values
  expect(await told('mark')).toEqual([1.5, 2])
  expect(await told('enforce')).toEqual([null, null])
})

const python: OnDemandView = { ...scaled, mode: 'python' }
Reflect.deleteProperty(python, 'transform')
test.for<{ name: string; view: OnDemandView; code: string; message: string }>([
  {
    name: 'fails',
    view: {
      ...scaled,
      transform: () => {
        throw new Error('secret')
      },
    },
    code: 'transform_failed',
    message: "On demand feature view 'scaled' failed",
  },
  {
    name: 'gives another type',
    view: { ...scaled, transform: () => ({ twice: { type: 'INT64', value: 1n } }) },
    code: 'transform_failed',
    message: "On demand feature view 'scaled' gave twice as INT64 instead of DOUBLE",
  },
  {
    name: 'is written in Python',
    view: python,
    code: 'not_supported',
    message:
      "On demand feature view 'scaled' is of the mode python, which does not run here, and Feast's " +
      'transformation service runs the mode pandas alone: define it in that mode',
  },
])('names a view that $name', async ({ view, code, message }) => {
  await expect(ask(view, computing, () => [fresh, fresh])).rejects.toMatchObject({ code, message })
})

test.for([
  { entities: { driver_id: [1] }, code: 'request_data_missing' },
  { entities: { driver_id: [1], factor: ['x'] }, code: 'invalid_request' },
])('answers $code to the columns $entities', async ({ entities, code }) => {
  await expect(ask(scaled, { ...computing, entities }, () => [fresh])).rejects.toMatchObject({
    code,
  })
})

function vector(names: readonly string[], values: readonly Value[], at: number): StoredRow {
  const writer = new ProtoWriter()
  const time = encodeTimestamp(timestampParts(at))
  for (const name of names) writer.tag(1, BYTES).delimited(Buffer.from(name))
  for (const value of values) writer.tag(2, BYTES).delimited(encodeValue(value))
  const view = new ProtoWriter().tag(1, BYTES).delimited(Buffer.from('stats'))
  writer.tag(3, BYTES).delimited(view.tag(2, BYTES).delimited(time).bytes())
  const value = writer
    .tag(4, BYTES)
    .delimited(encodeTimestamp(timestampParts(60_000)))
    .bytes()
  return { eventTimestamp: 60_000, values: [{ type: 'BYTES', value }] }
}
const NAMES = ['stats__trips', 'stats__rate']
const stored = (at: number) => vector(NAMES, [null, half], at)
const vectors = {
  featureService: 'vectors',
  fullFeatureNames: true,
  entities: { driver_id: [1, 1] },
}

test.for<[Serving, number, unknown, string, string]>([
  ['mark', NOW, 0.5, 'PRESENT', 'NULL_VALUE'],
  ['mark', NOW - 2_000, 0.5, 'OUTSIDE_MAX_AGE', 'NULL_VALUE'],
  ['enforce', NOW - 2_000, null, 'OUTSIDE_MAX_AGE', 'NULL_VALUE'],
  ['strict', NOW, 0.5, 'PRESENT', 'PRESENT'],
  ['strict', NOW - 2_000, 0.5, 'OUTSIDE_MAX_AGE', 'OUTSIDE_MAX_AGE'],
])('answers from a stored vector under %s', async ([serving, at, rate, told, nulled]) => {
  const seen: string[] = []
  const answer = ({ view }: ViewRead) => {
    seen.push(view)
    return [stored(at)]
  }
  const { columns } = await ask(scaled, vectors, answer, serving)
  const event_timestamps = ['1970-01-01T00:01:00Z', '1970-01-01T00:01:00Z']
  expect(seen).toEqual(['__precomputed__vectors'])
  expect(columns['stats__rate']).toEqual({
    values: [rate, rate],
    statuses: [told, told],
    event_timestamps,
  })
  expect(columns['stats__trips']?.statuses).toEqual([nulled, nulled])
})

test.for([
  { name: 'none', rows: [undefined] },
  { name: 'one of other features', rows: [vector(['stats__rate', 'stats__x'], [half, half], NOW)] },
  { name: 'one of fewer features', rows: [vector(['stats__rate'], [half], NOW)] },
  {
    name: 'one in another order than the first',
    rows: [stored(NOW), vector(NAMES.toReversed(), [half, null], NOW)],
  },
])('refuses an entity whose vector is $name', async ({ rows }) => {
  const request = { ...vectors, entities: { driver_id: rows.map((_, index) => index) } }
  await expect(ask(scaled, request, () => rows)).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('pre-computed vectors could not be read') as string,
  })
})

test('refuses bytes that are no vector', async () => {
  const broken: StoredRow = {
    eventTimestamp: 1,
    values: [{ type: 'BYTES', value: Buffer.from([10]) }],
  }
  await expect(ask(scaled, vectors, () => [broken])).rejects.toMatchObject({ code: 'internal' })
})
