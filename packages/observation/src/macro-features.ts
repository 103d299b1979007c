import type { Contract } from './contract.ts'

/** The newest released values of a series, at most `most` of them, oldest first. */
export type Released = (series: string, most: number) => readonly number[]

export type MacroFormula = (released: Released) => number

/** The formulas of the contract's macro features, in contract order. */
export function macroFormulas(contract: Contract): MacroFormula[] {
  return contract.definition.features
    .filter((feature) => feature.view === 'macro_features')
    .map((feature): MacroFormula => {
      switch (feature.kind) {
        case 'macro_z': {
          const { series, window, minimum } = feature
          return (released) => clip(zOfNewest(released(series, window), minimum), feature.clip)
        }
        case 'macro_change':
          return (released) => clip(changeOfNewest(released(feature.series, 2)), feature.clip)
        case 'macro_spread':
          return (released) =>
            newest(released(feature.series, 1)) - newest(released(feature.minus, 1))
      }
    })
}

/** How many sample standard deviations the newest value lies from the mean of the window. */
function zOfNewest(window: readonly number[], minimum: number): number {
  const count = window.length
  if (count < minimum) return Number.NaN
  const last = newest(window)
  // The deviation of equal numbers is rarely exactly zero in floating point; their range is.
  if (window.every((value) => value === last)) return 0
  let mean = 0
  for (const value of window) mean += value
  mean /= count
  let squares = 0
  for (const value of window) squares += (value - mean) ** 2
  return (last - mean) / Math.sqrt(squares / (count - 1))
}

function changeOfNewest(values: readonly number[]): number {
  const previous = values.at(-2)
  // A change from zero is no measurement, whichever side of infinity the division falls on.
  if (previous === undefined || previous === 0) return Number.NaN
  return newest(values) / previous - 1
}

function newest(values: readonly number[]): number {
  return values.at(-1) ?? Number.NaN
}

function clip(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value
}
