import type { RejectReason } from './bars.ts'
import { MARKET_FEATURES } from './contract.ts'
import type { RawMarket } from './observation.ts'

/** What a reader must know about a row before deciding on it; the gateway refuses a flagged row. */
export const FLAGS = ['warmup', 'gap', 'stale_macro'] as const
export type Flag = (typeof FLAGS)[number]

/** The features of one accepted bar. All instants are epoch ms UTC. */
export interface FeatureRow {
  readonly symbol: string
  readonly barTime: number
  /** When the bar has closed and may be used: its label plus one bar. */
  readonly availableAt: number
  /** The trading day, YYYY-MM-DD. */
  readonly session: string
  readonly market: RawMarket
  /** 0 at the session's first bar, 1 at its last. */
  readonly timeNormalized: number
  /** Bars missing since the previous bar of the same session. */
  readonly gapBars: number
  readonly flags: readonly Flag[]
  /** Age of the series that has not published for the longest time; NaN before any has. */
  readonly macroAgeMs: number
  /** The release instant of this row's session day: the event time of its macro features. */
  readonly macroReleasedAt: number
}

/** Feature rows column by column, one for each accepted bar of a batch. */
export interface FeatureColumns {
  readonly length: number
  /** Index of the bar in the batch that a row came from. */
  readonly source: Uint32Array
  readonly symbol: string[]
  /** YYYY-MM-DD. */
  readonly session: string[]
  readonly barTime: Float64Array
  readonly availableAt: Float64Array
  /** Row after row, 13 values each. */
  readonly market: Float64Array
  readonly timeNormalized: Float64Array
  readonly gapBars: Int32Array
  /** Bit i says FLAGS[i]. */
  readonly flags: Uint8Array
  readonly macroAgeMs: Float64Array
  readonly macroReleasedAt: Float64Array
}

export interface BatchResult {
  readonly rows: FeatureColumns
  /** For each bar of the batch: 0 when accepted, else 1 + its index in REJECT_REASONS. */
  readonly outcome: Uint8Array
  readonly rejected: Readonly<Record<RejectReason, number>>
}

const FLAG_SETS: readonly (readonly Flag[])[] = Array.from(
  { length: 1 << FLAGS.length },
  (_, mask) => Object.freeze(FLAGS.filter((_flag, bit) => (mask & (1 << bit)) !== 0)),
)

/** The bit of each flag in a mask. */
export const FLAG = { warmup: 1, gap: 2, stale_macro: 4 } as const satisfies Record<Flag, number>

/** The names behind a mask of flags. */
export function flagsOf(mask: number): readonly Flag[] {
  return FLAG_SETS[mask] ?? []
}

/** Row `index` of a batch, as `step` would have returned it; the market features are a copy. */
export function rowAt(rows: FeatureColumns, index: number): FeatureRow {
  const barTime = rows.barTime[index]!
  return {
    symbol: rows.symbol[index]!,
    barTime,
    availableAt: rows.availableAt[index]!,
    session: rows.session[index]!,
    market: rows.market.slice(
      index * MARKET_FEATURES,
      (index + 1) * MARKET_FEATURES,
    ) as Float64Array as RawMarket,
    timeNormalized: rows.timeNormalized[index]!,
    gapBars: rows.gapBars[index]!,
    flags: flagsOf(rows.flags[index]!),
    macroAgeMs: rows.macroAgeMs[index]!,
    macroReleasedAt: rows.macroReleasedAt[index]!,
  }
}

/** Columns with room for `count` rows. */
export function emptyRows(count: number): FeatureColumns {
  return {
    length: count,
    source: new Uint32Array(count),
    symbol: names(count),
    session: names(count),
    barTime: new Float64Array(count),
    availableAt: new Float64Array(count),
    market: new Float64Array(count * MARKET_FEATURES),
    timeNormalized: new Float64Array(count),
    gapBars: new Int32Array(count),
    flags: new Uint8Array(count),
    macroAgeMs: new Float64Array(count),
    macroReleasedAt: new Float64Array(count),
  }
}

/** The first `count` rows, sharing memory with the columns they are taken from. */
export function firstRows(rows: FeatureColumns, count: number): FeatureColumns {
  return {
    length: count,
    source: rows.source.subarray(0, count),
    symbol: rows.symbol.slice(0, count),
    session: rows.session.slice(0, count),
    barTime: rows.barTime.subarray(0, count),
    availableAt: rows.availableAt.subarray(0, count),
    market: rows.market.subarray(0, count * MARKET_FEATURES),
    timeNormalized: rows.timeNormalized.subarray(0, count),
    gapBars: rows.gapBars.subarray(0, count),
    flags: rows.flags.subarray(0, count),
    macroAgeMs: rows.macroAgeMs.subarray(0, count),
    macroReleasedAt: rows.macroReleasedAt.subarray(0, count),
  }
}

/** At full length from the start: growing by assignment copies the array again and again. */
function names(count: number): string[] {
  const column: string[] = []
  column.length = count
  return column
}
