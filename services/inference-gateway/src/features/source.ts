import type { ServedFeatures } from '@usdcop/decision/gates'

/** Where the gateway reads features. */
export interface FeatureSource {
  /**
   * All 15 features of a symbol in contract order, as served: statuses and event times are the
   * gates' to judge. A feature that was not answered is NOT_FOUND. Throws `features_unavailable`
   * when there is no usable answer within the deadline.
   */
  read(symbol: string, signal: AbortSignal): Promise<ServedFeatures>
}

/** The row of state_features that other readers see; the ledger stays the authority. */
export interface StateRow {
  readonly symbol: string
  readonly position: number
  readonly timeNormalized: number
  /** Epoch ms; the bar's close. */
  readonly eventTimestamp: number
}

export interface StateSink {
  /** Idempotent: the store keeps the newest event. Throws `features_unavailable`. */
  push(row: StateRow, signal: AbortSignal): Promise<void>
}
