import type { Bar } from '@usdcop/observation/bars'
import type { FeatureRow } from '@usdcop/observation/rows'

/** How many of the 13 market features are technical; the macro ones follow. */
export const TECHNICAL_FEATURES = 6

/**
 * The outbox event of one accepted bar, whole in itself: the online writer and the gateway need
 * nothing else. Instants in epoch ms; JSON has no NaN, so what is missing is null.
 */
export interface BarClosed {
  readonly symbol: string
  readonly barTime: number
  readonly availableAt: number
  readonly session: string
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly technical: readonly (number | null)[]
  readonly macro: readonly (number | null)[]
  /** Event time of the macro features: the instant their values could be known. */
  readonly macroReleasedAt: number
  readonly timeNormalized: number
  readonly gapBars: number
  readonly flags: readonly string[]
  readonly macroAgeMs: number | null
  readonly definitionHash: string
}

/** An accepted bar with the row it became. */
export interface AcceptedBar {
  readonly bar: Bar
  readonly row: FeatureRow
  /** Event time of its macro features. */
  readonly macroAt: number
}

export function barClosed({ bar, row, macroAt }: AcceptedBar, definitionHash: string): BarClosed {
  const market = Array.from(row.market, nullIfMissing)
  return {
    symbol: bar.symbol,
    barTime: bar.barTime,
    availableAt: row.availableAt,
    session: row.session,
    open: bar.open,
    high: bar.high,
    low: bar.low,
    close: bar.close,
    technical: market.slice(0, TECHNICAL_FEATURES),
    macro: market.slice(TECHNICAL_FEATURES),
    macroReleasedAt: macroAt,
    timeNormalized: row.timeNormalized,
    gapBars: row.gapBars,
    flags: row.flags,
    macroAgeMs: nullIfMissing(row.macroAgeMs),
    definitionHash,
  }
}

function nullIfMissing(value: number): number | null {
  return Number.isNaN(value) ? null : value
}
