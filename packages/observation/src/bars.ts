/** One five-minute bar as a source sent it; `barTime` is its label, the open, in epoch ms UTC. */
export interface Bar {
  readonly symbol: string
  readonly barTime: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
}

/** The same, column by column, for batches; all columns have the length of `symbol`. */
export interface BarColumns {
  readonly symbol: readonly string[]
  readonly barTime: Float64Array
  readonly open: Float64Array
  readonly high: Float64Array
  readonly low: Float64Array
  readonly close: Float64Array
}

/** Why a bar is not taken, in the order they are tried: the first that holds is the one reported. */
export const REJECT_REASONS = [
  'unparsable',
  'non_positive',
  'ohlc',
  'off_grid',
  'weekend',
  'holiday',
  'session',
  'duplicate',
  'out_of_order',
] as const
export type RejectReason = (typeof REJECT_REASONS)[number]

/** Lays bars out in columns. */
export function barColumns(bars: readonly Bar[]): BarColumns {
  return {
    symbol: bars.map(({ symbol }) => symbol),
    barTime: Float64Array.from(bars, ({ barTime }) => barTime),
    open: Float64Array.from(bars, ({ open }) => open),
    high: Float64Array.from(bars, ({ high }) => high),
    low: Float64Array.from(bars, ({ low }) => low),
    close: Float64Array.from(bars, ({ close }) => close),
  }
}
