import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FeatureStatus, type Question, refusals, type ServedFeature } from '../src/gates.ts'
import { inOrder, REFUSAL_REASONS, type RefusalReason } from '../src/reasons.ts'

const T = Date.UTC(2025, 2, 3, 14, 0)
const AVAILABLE = T + 300_000
const RELEASED = Date.UTC(2025, 2, 3, 12, 50)

const expected = Array.from({ length: 13 }, (_, i) => ({
  name: `f${i}`,
  view: i < 6 ? 'technical_features' : 'macro_features',
  eventTimestamp: i < 6 ? AVAILABLE : RELEASED,
}))
const features: readonly ServedFeature[] = expected.map((feature, i) => ({
  ...feature,
  value: i / 10,
  status: 'PRESENT',
}))

const sound: Question = {
  now: AVAILABLE,
  bar: {
    barTime: T,
    availableAt: AVAILABLE,
    session: '2025-03-03',
    flags: [],
    macroAgeMs: 86_400_000,
    definitionHash: 'def',
  },
  calendarSession: '2025-03-03',
  expected,
  served: { definitionHash: 'def', features },
  state: [0, 0.2],
  modelContractHash: 'contract',
  rules: {
    definitionHash: 'def',
    contractHash: 'contract',
    barMs: 300_000,
    barMaxAgeMs: 600_000,
    macroMaxAgeMs: 864_000_000,
  },
}

const withBar = (change: Partial<Question['bar']>): Question => ({
  ...sound,
  bar: { ...sound.bar, ...change },
})
const withFeature = (i: number, change: Partial<ServedFeature>): Question => ({
  ...sound,
  served: {
    definitionHash: 'def',
    features: features.map((feature, j) => (j === i ? { ...feature, ...change } : feature)),
  },
})
const withServed = (list: readonly ServedFeature[]): Question => ({
  ...sound,
  served: { definitionHash: 'def', features: list },
})

const faults: readonly { name: string; given: Question; reasons: readonly RefusalReason[] }[] = [
  { name: 'nothing wrong', given: sound, reasons: [] },
  {
    name: 'a bar at the very end of its age limit',
    given: { ...sound, now: AVAILABLE + 600_000 },
    reasons: [],
  },
  {
    name: 'a bar a millisecond past its age limit',
    given: { ...sound, now: AVAILABLE + 600_001 },
    reasons: ['bar_stale'],
  },
  {
    name: 'a bar that has not closed yet',
    given: { ...sound, now: AVAILABLE - 1 },
    reasons: ['clock_behind'],
  },
  {
    name: 'a bar that claims a later close than its label has',
    given: { ...withBar({ availableAt: AVAILABLE + 60_000 }), now: AVAILABLE + 60_000 },
    reasons: ['definition_mismatch'],
  },
  {
    name: 'a macro release after its close',
    given: {
      ...sound,
      expected: expected.with(12, { ...expected[12]!, eventTimestamp: AVAILABLE + 1 }),
      served: {
        definitionHash: 'def',
        features: features.with(12, { ...features[12]!, eventTimestamp: AVAILABLE + 1 }),
      },
    },
    reasons: ['clock_behind'],
  },
  {
    name: 'a macro value younger than its close',
    given: withBar({ macroAgeMs: -1 }),
    reasons: ['clock_behind'],
  },
  {
    name: 'a clock that is not a number',
    given: { ...sound, now: Number.NaN },
    reasons: ['clock_behind', 'bar_stale'],
  },
  {
    name: 'a label outside every session',
    given: { ...sound, calendarSession: undefined },
    reasons: ['out_of_session'],
  },
  {
    name: 'a bar that claims another session',
    given: withBar({ session: '2025-03-04' }),
    reasons: ['out_of_session'],
  },
  { name: 'a warm-up flag', given: withBar({ flags: ['warmup'] }), reasons: ['warmup'] },
  { name: 'a gap flag', given: withBar({ flags: ['gap'] }), reasons: ['gap'] },
  {
    name: 'a stale-macro flag',
    given: withBar({ flags: ['stale_macro'] }),
    reasons: ['stale_macro'],
  },
  {
    name: 'a flag nobody knows',
    given: withBar({ flags: ['imputed'] }),
    reasons: ['definition_mismatch'],
  },
  {
    name: 'a macro age over the limit without its flag',
    given: withBar({ macroAgeMs: 864_000_001 }),
    reasons: ['stale_macro'],
  },
  {
    name: 'a macro age that is unknown',
    given: withBar({ macroAgeMs: Number.NaN }),
    reasons: ['stale_macro'],
  },
  {
    name: 'a bar of another definition',
    given: withBar({ definitionHash: 'other' }),
    reasons: ['definition_mismatch'],
  },
  {
    name: 'features of another definition',
    given: { ...sound, served: { definitionHash: 'other', features } },
    reasons: ['definition_mismatch'],
  },
  {
    name: 'features of no stated definition',
    given: { ...sound, served: { definitionHash: null, features } },
    reasons: ['definition_mismatch'],
  },
  {
    name: 'a model of another contract',
    given: { ...sound, modelContractHash: 'other' },
    reasons: ['contract_mismatch'],
  },
  {
    name: 'no model',
    given: { ...sound, modelContractHash: undefined },
    reasons: ['model_unavailable'],
  },
  {
    name: 'no answer from the feature server',
    given: { ...sound, served: undefined },
    reasons: ['features_unavailable'],
  },
  { name: 'no features at all', given: withServed([]), reasons: ['feature_missing'] },
  {
    name: 'one feature too few',
    given: withServed(features.slice(0, 12)),
    reasons: ['feature_missing'],
  },
  {
    name: 'one feature too many',
    given: withServed([...features, ...features.slice(0, 1)]),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'two features exchanged',
    given: withServed(features.with(0, features[1]!).with(1, features[0]!)),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'a feature of another view',
    given: withFeature(3, { view: 'technical_features_v2' }),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'a feature not found',
    given: withFeature(7, { status: 'NOT_FOUND', value: null, eventTimestamp: null }),
    reasons: ['feature_missing'],
  },
  {
    name: 'a null feature',
    given: withFeature(7, { status: 'NULL_VALUE', value: null }),
    reasons: ['feature_null'],
  },
  {
    name: 'a feature called present without a value',
    given: withFeature(7, { value: null }),
    reasons: ['feature_null'],
  },
  {
    name: 'a feature outside its max age that keeps its value',
    given: withFeature(2, { status: 'OUTSIDE_MAX_AGE' }),
    reasons: ['feature_outside_max_age'],
  },
  {
    name: 'a NaN feature',
    given: withFeature(2, { value: Number.NaN }),
    reasons: ['observation_not_finite'],
  },
  {
    name: 'a single infinite feature',
    given: withFeature(2, { value: Number.POSITIVE_INFINITY }),
    reasons: ['observation_not_finite'],
  },
  {
    name: 'a feature of the bar before',
    given: withFeature(2, { eventTimestamp: AVAILABLE - 300_000 }),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'a feature of a bar to come',
    given: withFeature(2, { eventTimestamp: AVAILABLE + 300_000 }),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'a macro feature of the release before',
    given: withFeature(9, { eventTimestamp: RELEASED - 86_400_000 }),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'a feature without an event time',
    given: withFeature(9, { eventTimestamp: null }),
    reasons: ['feature_mismatch'],
  },
  {
    name: 'a position that is not a number',
    given: { ...sound, state: [Number.NaN, 0.2] },
    reasons: ['observation_not_finite'],
  },
  {
    name: 'many faults at once, all of them',
    given: {
      ...sound,
      now: AVAILABLE + 3_600_000,
      bar: { ...sound.bar, flags: ['gap', 'warmup'], definitionHash: 'other' },
      calendarSession: undefined,
      served: {
        definitionHash: 'def',
        features: features
          .with(0, { ...features[0]!, status: 'OUTSIDE_MAX_AGE', value: null })
          .with(12, { ...features[12]!, status: 'NOT_FOUND' }),
      },
      modelContractHash: undefined,
    },
    reasons: [
      'out_of_session',
      'bar_stale',
      'warmup',
      'gap',
      'definition_mismatch',
      'feature_missing',
      'feature_null',
      'feature_outside_max_age',
      'model_unavailable',
    ],
  },
]

describe('gates', () => {
  test.for(faults)('answer to $name', ({ given, reasons }) => {
    expect(refusals(given)).toEqual(reasons)
  })

  test('a fault of the bar and a fault of the features are both told, whole and in order', () => {
    const ofBar = faults.filter(({ given }) => given.served === sound.served)
    const ofFeatures = faults.filter(({ given }) => onlyServed(given))
    fc.assert(
      fc.property(fc.constantFrom(...ofBar), fc.constantFrom(...ofFeatures), (one, two) => {
        expect(refusals({ ...one.given, served: two.given.served })).toEqual(
          inOrder([...one.reasons, ...two.reasons]),
        )
      }),
      { numRuns: 1_000 },
    )
  })

  test('one damaged field of one feature always refuses', () => {
    const status = fc.constantFrom<FeatureStatus>('NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE')
    const damage: fc.Arbitrary<Partial<ServedFeature>> = fc.oneof(
      status.map((value) => ({ status: value })),
      fc.constantFrom(null, Number.NaN, Infinity, -Infinity).map((value) => ({ value })),
      fc.integer({ min: 1, max: 1e12 }).map((ms) => ({ eventTimestamp: AVAILABLE + ms })),
      fc.integer({ min: 1, max: 1e12 }).map((ms) => ({ eventTimestamp: RELEASED - ms })),
      fc.constant({ eventTimestamp: null }),
      fc.string().map((name) => ({ name: `${name}!` })),
      fc.string().map((view) => ({ view: `${view}!` })),
    )
    fc.assert(
      fc.property(fc.nat(12), damage, (i, change) => {
        expect(refusals(withFeature(i, change)).length).toBeGreaterThan(0)
      }),
      { numRuns: 1_000 },
    )
  })

  test('every reason is reached by the table, but those of a question and of the model', () => {
    expect(inOrder(faults.flatMap(({ reasons }) => reasons))).toEqual(
      REFUSAL_REASONS.filter((reason) => !['history_only', 'action_not_finite'].includes(reason)),
    )
  })
})

function onlyServed(given: Question): boolean {
  return JSON.stringify({ ...given, served: null }) === JSON.stringify({ ...sound, served: null })
}
