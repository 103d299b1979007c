import { AT } from './symbol-state.ts'

/*
 * Wilder's indicators in TA-Lib's order of operations, one bar at a time. `s` is the state of a
 * symbol, `index` counts its bars from 0; NaN stands for "no value yet". A division is skipped
 * where its divisor is exactly zero, as TA-Lib 0.8 does (older ones took 1e-14 for zero).
 */

/** The bar's true range; of the first bar of all it is high − low and nobody asks for it. */
export function trueRange(s: Float64Array, index: number, high: number, low: number): number {
  let range = high - low
  if (index === 0) return range
  const close = s[AT.lastClose]!
  range = Math.max(range, Math.abs(high - close))
  return Math.max(range, Math.abs(low - close))
}

/** RSI, first value at index `period`; `zeroBranch` where nothing has moved. */
export function stepRsi(
  s: Float64Array,
  index: number,
  close: number,
  period: number,
  zeroBranch: number,
): number {
  if (index === 0) return Number.NaN
  let gain = s[AT.rsiGain]!
  let loss = s[AT.rsiLoss]!
  if (index > period) {
    gain *= period - 1
    loss *= period - 1
  }
  const move = close - s[AT.lastClose]!
  if (move < 0) loss -= move
  else gain += move
  if (index >= period) {
    gain /= period
    loss /= period
  }
  s[AT.rsiGain] = gain
  s[AT.rsiLoss] = loss
  if (index < period) return Number.NaN
  const sum = gain + loss
  return sum === 0 ? zeroBranch : 100 * (gain / sum)
}

/** ATR in price units, first value at index `period`. */
export function stepAtr(s: Float64Array, index: number, range: number, period: number): number {
  if (index === 0) return Number.NaN
  let atr = s[AT.atr]!
  if (index > period) atr *= period - 1
  atr += range
  if (index >= period) atr /= period
  s[AT.atr] = atr
  return index < period ? Number.NaN : atr
}

/** ADX, first value at index 2 × `period` − 1. Where there is no DX it stays as it was. */
export function stepAdx(
  s: Float64Array,
  index: number,
  high: number,
  low: number,
  range: number,
  period: number,
): number {
  if (index === 0) return Number.NaN
  smoothMovement(s, index >= period, high - s[AT.lastHigh]!, s[AT.lastLow]! - low, range, period)
  if (index < period) return Number.NaN

  const dx = directionalIndex(s)
  const first = 2 * period - 1
  if (index <= first) {
    if (!Number.isNaN(dx)) s[AT.adx]! += dx
    if (index < first) return Number.NaN
    s[AT.adx]! /= period
  } else if (!Number.isNaN(dx)) {
    s[AT.adx] = (s[AT.adx]! * (period - 1) + dx) / period
  }
  return s[AT.adx]!
}

/** Sums the first moves and ranges, then smooths the sums. */
function smoothMovement(
  s: Float64Array,
  smooth: boolean,
  up: number,
  down: number,
  range: number,
  period: number,
): void {
  if (smooth) {
    s[AT.minusDm]! -= s[AT.minusDm]! / period
    s[AT.plusDm]! -= s[AT.plusDm]! / period
    s[AT.trueRange]! -= s[AT.trueRange]! / period
  }
  if (down > 0 && up < down) s[AT.minusDm]! += down
  else if (up > 0 && up > down) s[AT.plusDm]! += up
  s[AT.trueRange]! += range
}

function directionalIndex(s: Float64Array): number {
  const range = s[AT.trueRange]!
  if (range === 0) return Number.NaN
  const minus = 100 * (s[AT.minusDm]! / range)
  const plus = 100 * (s[AT.plusDm]! / range)
  const sum = minus + plus
  return sum === 0 ? Number.NaN : 100 * (Math.abs(minus - plus) / sum)
}
