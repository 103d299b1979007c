import { expect, test } from 'vitest'
import { BodyError, parseBody } from '../src/body.ts'
import { OnlineRequestSchema, parseOnlineRequest } from '../src/online-request.ts'
import { parsePushRequest } from '../src/push-request.ts'

const values: unknown[] = [
  undefined,
  null,
  true,
  false,
  0,
  1,
  2,
  1.5,
  '',
  'yes',
  'OFF',
  'maybe',
  [],
  {},
]
const entities = [
  ...values,
  { symbol: ['USD/COP'] },
  { symbol: [] },
  { symbol: 'USD/COP' },
  { symbol: [null, 1, {}] },
  { a: [1], b: null },
]
const features = [...values, ['a:b'], ['a:b', 'c:d'], ['a:b', 1], [null], [[]]]
const sound = { entities: { symbol: ['USD/COP'] }, features: ['a:b'] }
const corpus: Record<string, unknown>[] = [
  sound,
  {},
  { ...sound, colour: 'red' },
  ...entities.map((entities) => ({ ...sound, entities })),
  ...features.map((features) => ({ ...sound, features })),
  ...values.map((feature_service) => ({ ...sound, feature_service })),
  ...values.map((full_feature_names) => ({ ...sound, full_feature_names })),
  ...values.map((flag) => ({ ...sound, include_feature_view_version_metadata: flag })),
  ...entities.flatMap((entities) => features.map((features) => ({ entities, features }))),
]

function byHand(body: Record<string, unknown>): unknown {
  try {
    const { featureService, fullFeatureNames, viewMetadata, ...rest } = parseOnlineRequest(body)
    return { ...rest, featureService, fullFeatureNames, viewMetadata }
  } catch (error) {
    return error instanceof BodyError ? 'refused' : error
  }
}

function bySchema(body: Record<string, unknown>): unknown {
  const parsed = OnlineRequestSchema.safeParse(body)
  if (!parsed.success) return 'refused'
  const { entities, features, feature_service: service } = parsed.data
  return {
    entities,
    features,
    featureService: service ?? undefined,
    fullFeatureNames: parsed.data.full_feature_names,
    viewMetadata: parsed.data.include_feature_view_version_metadata,
  }
}

test(`reads ${corpus.length} bodies by hand as by the schema`, () => {
  expect(corpus.map(byHand)).toEqual(corpus.map(bySchema))
  expect(corpus.filter((body) => byHand(body) !== 'refused').length).toBeGreaterThan(20)
})

test.for([
  { name: 'no body', text: '', fault: { type: 'missing', loc: ['body'] } },
  { name: 'no JSON', text: '{"a":', fault: { type: 'json_invalid' } },
  { name: 'a list', text: '[]', fault: { type: 'model_attributes_type', loc: ['body'] } },
  { name: 'a null', text: 'null', fault: { type: 'model_attributes_type', loc: ['body'] } },
])('refuses $name', ({ text, fault }) => {
  expect(() => parseBody(text)).toThrow(
    expect.objectContaining({ faults: [expect.objectContaining(fault)] }),
  )
})

test.for([
  { text: '{"n":9007199254740993}', n: 9_007_199_254_740_993n },
  { text: '{"n":-9223372036854775808}', n: -9_223_372_036_854_775_808n },
  { text: '{"n":0.1234567890123456789}', n: 0.123_456_789_012_345_68 },
  { text: '{"n":1234567890123456}', n: 1_234_567_890_123_456 },
])('reads the number of $text exactly', ({ text, n }) => {
  expect(parseBody(text)).toEqual({ n })
})

test('names every fault of a push at once', () => {
  expect(() => parsePushRequest({ df: [], to: 1, allow_registry_cache: 'maybe' })).toThrow(
    expect.objectContaining({
      faults: ['push_source_name', 'df', 'to', 'allow_registry_cache'].map((field) =>
        expect.objectContaining({ loc: ['body', field] }),
      ),
    }),
  )
})
