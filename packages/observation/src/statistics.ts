import { MARKET_FEATURES } from './contract.ts'
import type { FeatureColumns } from './rows.ts'

/** Mean and population standard deviation of the raw market features, in contract order. */
export interface Statistics {
  readonly from: string
  readonly to: string
  /** How many rows were complete. */
  readonly rows: number
  readonly mean: number[]
  readonly std: number[]
}

/** Fits on the complete rows, those without a flag, of the sessions `from`…`to`, both included. */
export function fitStatistics(rows: FeatureColumns, from: string, to: string): Statistics {
  const chosen: number[] = []
  for (let i = 0; i < rows.length; i++) {
    const session = rows.session[i]!
    if (rows.flags[i] === 0 && session >= from && session <= to) chosen.push(i * MARKET_FEATURES)
  }
  const average = (of: (rowStart: number) => number): number =>
    chosen.reduce((total, rowStart) => total + of(rowStart), 0) / chosen.length
  const features = Array.from({ length: MARKET_FEATURES }, (_, feature) => feature)
  const mean = features.map((feature) => average((start) => rows.market[start + feature]!))
  const std = features.map((feature) =>
    Math.sqrt(average((start) => (rows.market[start + feature]! - mean[feature]!) ** 2)),
  )
  return { from, to, rows: chosen.length, mean, std }
}
