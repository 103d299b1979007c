import { inOrder, type RefusalReason } from './reasons.ts'

export type FeatureStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE'

/** One feature as the feature server served it. `eventTimestamp` in epoch milliseconds. */
export interface ServedFeature {
  readonly name: string
  readonly view: string
  readonly value: number | null
  readonly status: FeatureStatus
  readonly eventTimestamp: number | null
}

/** What the feature server answered: its features, and the definition they were computed under. */
export interface ServedFeatures {
  readonly definitionHash: string | null
  readonly features: readonly ServedFeature[]
}

/** The facts about the closed bar that decide whether it may be acted on. Instants in epoch ms. */
export interface BarFacts {
  readonly barTime: number
  readonly availableAt: number
  readonly session: string
  readonly flags: readonly string[]
  readonly macroAgeMs: number
  readonly definitionHash: string
}

/** A feature the contract asks for, and the event time that makes it this bar's. */
export interface ExpectedFeature {
  readonly name: string
  readonly view: string
  readonly eventTimestamp: number
}

export interface GateRules {
  readonly definitionHash: string
  readonly contractHash: string
  /** From a bar's label to its close. */
  readonly barMs: number
  /** A bar may be acted on until `availableAt` plus this. */
  readonly barMaxAgeMs: number
  readonly macroMaxAgeMs: number
}

/** All that is known before the model is asked. */
export interface Question {
  readonly now: number
  readonly bar: BarFacts
  /** The session the calendar finds at the bar's label; undefined outside every session. */
  readonly calendarSession: string | undefined
  /** In contract order, without the two state features, which are not the store's to tell. */
  readonly expected: readonly ExpectedFeature[]
  /** Undefined when the feature server gave no usable answer. */
  readonly served: ServedFeatures | undefined
  /** The position of the ledger and the reducer's normalised time. */
  readonly state: readonly number[]
  /** Contract hash of the loaded model; undefined when there is no model. */
  readonly modelContractHash: string | undefined
  readonly rules: GateRules
}

/**
 * Every reason not to act on this question, in the documented order; empty means the model may be
 * asked. All gates are always asked: a ledger that names only the first fault hides the others.
 */
export function refusals(question: Question): readonly RefusalReason[] {
  return inOrder([
    ...barRefusals(question),
    ...lookAheads(question),
    ...definitionRefusals(question),
    ...featureRefusals(question.expected, question.served),
    ...(question.state.every(Number.isFinite) ? [] : (['observation_not_finite'] as const)),
  ])
}

/** Reasons that lie in the bar, the clock and the calendar alone. */
export function barRefusals({
  now,
  bar,
  calendarSession,
  rules,
}: Pick<Question, 'now' | 'bar' | 'calendarSession' | 'rules'>): readonly RefusalReason[] {
  const reasons: RefusalReason[] = []
  // Written so that a NaN on either side refuses.
  if (!(bar.availableAt <= now)) reasons.push('clock_behind')
  if (bar.availableAt !== bar.barTime + rules.barMs) reasons.push('definition_mismatch')
  if (calendarSession === undefined || calendarSession !== bar.session)
    reasons.push('out_of_session')
  if (!(now - bar.availableAt <= rules.barMaxAgeMs)) reasons.push('bar_stale')
  for (const flag of bar.flags) reasons.push(reasonOfFlag(flag))
  if (!(bar.macroAgeMs <= rules.macroMaxAgeMs)) reasons.push('stale_macro')
  return reasons
}

/** What became known after the bar's close would not have been there in life. */
function lookAheads({ bar, expected }: Question): readonly RefusalReason[] {
  const known = expected.every(({ eventTimestamp }) => eventTimestamp <= bar.availableAt)
  return known && !(bar.macroAgeMs < 0) ? [] : ['clock_behind']
}

/** A flag this version does not know was set for a reason it does not know either: refuse. */
function reasonOfFlag(flag: string): RefusalReason {
  return flag === 'warmup' || flag === 'gap' || flag === 'stale_macro'
    ? flag
    : 'definition_mismatch'
}

function definitionRefusals(question: Question): readonly RefusalReason[] {
  const { bar, served, modelContractHash, rules } = question
  const reasons: RefusalReason[] = []
  if (bar.definitionHash !== rules.definitionHash) reasons.push('definition_mismatch')
  if (served !== undefined && served.definitionHash !== rules.definitionHash)
    reasons.push('definition_mismatch')
  if (modelContractHash === undefined) reasons.push('model_unavailable')
  else if (modelContractHash !== rules.contractHash) reasons.push('contract_mismatch')
  return reasons
}

function featureRefusals(
  expected: readonly ExpectedFeature[],
  served: ServedFeatures | undefined,
): readonly RefusalReason[] {
  if (served === undefined) return ['features_unavailable']
  const reasons = expected.flatMap((feature, i) => featureRefusal(feature, served.features[i]))
  if (served.features.length > expected.length) reasons.push('feature_mismatch')
  return reasons
}

function featureRefusal(
  expected: ExpectedFeature,
  served: ServedFeature | undefined,
): RefusalReason[] {
  if (served === undefined || served.status === 'NOT_FOUND') return ['feature_missing']
  const reasons: RefusalReason[] = []
  if (served.status === 'OUTSIDE_MAX_AGE') reasons.push('feature_outside_max_age')
  if (served.status === 'NULL_VALUE' || served.value === null) reasons.push('feature_null')
  else if (!Number.isFinite(served.value)) reasons.push('observation_not_finite')
  const here = served.name === expected.name && served.view === expected.view
  if (!here || served.eventTimestamp !== expected.eventTimestamp) reasons.push('feature_mismatch')
  return reasons
}
