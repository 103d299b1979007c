import type { Contract } from './contract.ts'

/** The values of a series, oldest first, of which the first `count` are released. */
export interface Released {
  readonly values: readonly number[]
  readonly count: number
}

export type MacroFormula = (released: (series: string) => Released) => number

/** The formulas of the contract's macro features, in contract order. */
export function macroFormulas(contract: Contract): MacroFormula[] {
  return contract.definition.features
    .filter((feature) => feature.view === 'macro_features')
    .map((feature): MacroFormula => {
      switch (feature.kind) {
        case 'macro_z': {
          const { series, window, minimum } = feature
          return (released) => clip(zOfNewest(released(series), window, minimum), feature.clip)
        }
        case 'macro_change':
          return (released) => clip(changeOfNewest(released(feature.series)), feature.clip)
        case 'macro_spread':
          return (released) => newest(released(feature.series)) - newest(released(feature.minus))
      }
    })
}

/** How many sample standard deviations the newest value lies from the mean of the window. */
function zOfNewest({ values, count }: Released, window: number, minimum: number): number {
  if (count < minimum) return Number.NaN
  const first = Math.max(0, count - window)
  const size = count - first
  const last = values[count - 1]!
  let sum = 0
  let still = true
  for (let i = first; i < count; i++) {
    sum += values[i]!
    still &&= values[i] === last
  }
  // The deviation of equal numbers is rarely exactly zero in floating point.
  if (still) return 0
  const mean = sum / size
  let squares = 0
  for (let i = first; i < count; i++) squares += (values[i]! - mean) ** 2
  return (last - mean) / Math.sqrt(squares / (size - 1))
}

function changeOfNewest({ values, count }: Released): number {
  const previous = values[count - 2]
  // A change from zero is no measurement, whichever side of infinity the division falls on.
  if (previous === undefined || previous === 0) return Number.NaN
  return values[count - 1]! / previous - 1
}

function newest({ values, count }: Released): number {
  return values[count - 1] ?? Number.NaN
}

function clip(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value
}
