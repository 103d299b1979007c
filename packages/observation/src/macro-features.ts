import type { Contract } from './contract.ts'

/** A macro feature from the released values of its series, oldest first. */
type MacroFormula = (released: (series: string) => readonly number[]) => number

/** The formulas of the contract's macro features, in contract order. */
export function macroFormulas(contract: Contract): MacroFormula[] {
  return contract.definition.features
    .filter((feature) => feature.view === 'macro_features')
    .map((feature): MacroFormula => {
      switch (feature.kind) {
        case 'macro_z': {
          const { series, window, minimum } = feature
          return (released) =>
            clip(zOfNewest(released(series).slice(-window), minimum), feature.clip)
        }
        case 'macro_change':
          return (released) => clip(changeOfNewest(released(feature.series)), feature.clip)
        case 'macro_spread':
          return (released) => newest(released(feature.series)) - newest(released(feature.minus))
      }
    })
}

/** How many sample standard deviations the newest value lies from the mean of the window. */
function zOfNewest(window: readonly number[], minimum: number): number {
  if (window.length < minimum) return Number.NaN
  // The deviation of equal numbers is rarely exactly zero in floating point; their range is.
  if (Math.max(...window) === Math.min(...window)) return 0
  const mean = sum(window) / window.length
  const variance = sum(window.map((value) => (value - mean) ** 2)) / (window.length - 1)
  return (newest(window) - mean) / Math.sqrt(variance)
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

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function clip(value: number, limit: number): number {
  return value > limit ? limit : value < -limit ? -limit : value
}
