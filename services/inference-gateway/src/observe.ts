import { refusals, type ServedFeatures } from '@usdcop/decision/gates'
import type { RefusalReason } from '@usdcop/decision/reasons'
import type { Calendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import { ObservationError } from '@usdcop/observation/errors'
import {
  buildObservation,
  normaliseMarket,
  type Observation,
  rawMarket,
} from '@usdcop/observation/observation'
import type { BarClosed } from './event.ts'
import type { DecisionRules, FeatureRef } from './rules.ts'

/** One of the 15 as a decision saw it: raw, normalised where it could be, and how it was served. */
export interface SeenFeature extends FeatureRef {
  readonly value: number | null
  readonly normalised: number | null
  readonly status: ServedFeatures['features'][number]['status']
  readonly eventTimestamp: number | null
}

export interface Observed {
  readonly reasons: readonly RefusalReason[]
  /** Present whenever the 15 numbers could be built, even if a gate refuses them. */
  readonly observation: Observation | undefined
  readonly features: readonly SeenFeature[]
}

export interface Sight {
  readonly event: BarClosed
  /** Domain time, epoch ms. */
  readonly now: number
  readonly served: ServedFeatures | undefined
  /** The ledger's, after this bar's fill. */
  readonly position: number
  readonly modelContractHash: string | undefined
}

export interface Rulebook {
  readonly contract: Contract
  readonly calendar: Calendar
  readonly rules: DecisionRules
}

/** Pure: what can be seen at this bar, and every reason not to act on it. */
export function observe({ contract, calendar, rules }: Rulebook, sight: Sight): Observed {
  const { event, served, position } = sight
  const market = served && marketOf(rules, served)
  const observation = build(contract, market, position, event.timeNormalized)
  const gates = refusals({
    now: sight.now,
    bar: event,
    calendarSession: calendar.sessionOf(event.barTime),
    expected: rules.market.map((ref) => ({ ...ref, eventTimestamp: eventTimeOf(ref, event) })),
    served: market,
    state: [position, event.timeNormalized],
    modelContractHash: sight.modelContractHash,
    rules: rules.gates,
  })
  // The builder has a last word of its own: it knows ranges that no gate does.
  const reasons =
    gates.length === 0 && observation === undefined ? (['observation_not_finite'] as const) : gates
  return { reasons, observation, features: seen(contract, rules, sight, market) }
}

/** Without the two state features, once they stand where they belong; else all, to be refused. */
function marketOf({ features, market }: DecisionRules, served: ServedFeatures): ServedFeatures {
  const state = served.features.slice(market.length)
  const expected = features.slice(market.length)
  const inPlace =
    state.length === expected.length && expected.every(({ name }, i) => state[i]?.name === name)
  return inPlace ? { ...served, features: served.features.slice(0, market.length) } : served
}

function eventTimeOf({ view }: FeatureRef, event: BarClosed): number {
  return view === 'macro_features' ? event.macroReleasedAt : event.availableAt
}

function build(
  contract: Contract,
  served: ServedFeatures | undefined,
  position: number,
  timeNormalized: number,
): Observation | undefined {
  try {
    const market = rawMarket(served?.features.map(({ value }) => value) ?? [])
    return buildObservation(contract, market, position, timeNormalized)
  } catch (error) {
    if (error instanceof ObservationError) return undefined
    throw error
  }
}

/** The state features are shown as used: from the ledger and the event, not from the store's copy. */
function seen(
  contract: Contract,
  { features, market }: DecisionRules,
  { event, position }: Sight,
  served: ServedFeatures | undefined,
): readonly SeenFeature[] {
  const state = [position, event.timeNormalized]
  const raw = market.map((_ref, i) => served?.features[i]?.value ?? null)
  const normalised = normaliseMarket(contract, rawMarket(raw))
  return features.map(({ name, view }, i) => {
    if (i >= market.length) {
      const value = finiteOrNull(state[i - market.length])
      const { availableAt } = event
      return {
        name,
        view,
        value,
        normalised: value,
        status: 'PRESENT',
        eventTimestamp: availableAt,
      }
    }
    const found = served?.features[i]
    return {
      name,
      view,
      value: finiteOrNull(raw[i]),
      normalised: finiteOrNull(normalised[i]),
      status: found?.status ?? 'NOT_FOUND',
      eventTimestamp: finiteOrNull(found?.eventTimestamp),
    }
  })
}

/** A ledger body is JSON, which has no NaN; the reasons say that there was one. */
function finiteOrNull(value: number | null | undefined): number | null {
  return value !== null && value !== undefined && Number.isFinite(value) ? value : null
}
