import { type Contract, MARKET_FEATURES } from './contract.ts'
import { ObservationError } from './errors.ts'

declare const raw: unique symbol
declare const normalised: unique symbol
declare const normalisedMarket: unique symbol

/** 13 market features in contract order and in their own units, as stored; NaN is missing. */
export type RawMarket = Float64Array & { readonly [raw]: true }

/** 15 numbers as a model sees them: z-scored and clipped market features, position, time. */
export type NormalisedVector = Float64Array & { readonly [normalised]: true }

/** The 13 market features z-scored and clipped, for looking at; NaN is missing. No model input. */
export type NormalisedMarket = Float64Array & { readonly [normalisedMarket]: true }

/** What a model is asked about. */
export type Observation = NormalisedVector

/** Takes 13 stored values as raw market features; null is missing. Throws on another length. */
export function rawMarket(values: ArrayLike<number | null>): RawMarket {
  if (values.length !== MARKET_FEATURES)
    throw new ObservationError(
      'observation_invalid',
      `${MARKET_FEATURES} market features expected, ${values.length} given`,
    )
  return Float64Array.from(values, (value) => value ?? Number.NaN) as RawMarket
}

/**
 * The one place where raw becomes normalised. Throws an ObservationError that names every feature
 * which is missing, not finite or out of its range: there is no default for a model's input.
 */
export function buildObservation(
  contract: Contract,
  market: RawMarket,
  position: number,
  timeNormalized: number,
): Observation {
  const vector = new Float64Array(contract.names.length)
  vector.set(normaliseMarket(contract, market))
  vector[MARKET_FEATURES] = within(position, -1, 1)
  vector[MARKET_FEATURES + 1] = within(timeNormalized, 0, 1)

  const faults = contract.names.filter((_, i) => Number.isNaN(vector[i]))
  // Infinity is clipped above, yet it says the input was no measurement.
  for (let i = 0; i < MARKET_FEATURES; i++)
    if (Math.abs(market[i]!) === Number.POSITIVE_INFINITY) faults.push(contract.names[i]!)
  if (faults.length > 0)
    throw new ObservationError('observation_invalid', `no usable value for ${faults.join(', ')}`)
  return vector as NormalisedVector
}

/** Market features z-scored by the contract's statistics and clipped; what is missing stays so. */
export function normaliseMarket(contract: Contract, market: RawMarket): NormalisedMarket {
  const { mean, std } = contract.statistics
  const { clip } = contract.normalisation
  return Float64Array.from(market, (value, i) =>
    clamp((value - mean[i]!) / std[i]!, -clip, clip),
  ) as NormalisedMarket
}

function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value
}

function within(value: number, low: number, high: number): number {
  return value >= low && value <= high ? value : Number.NaN
}
