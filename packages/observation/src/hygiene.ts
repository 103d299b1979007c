import { REJECT_REASONS, type RejectReason } from './bars.ts'

const MAX_INSTANT = 8.64e15

/** A reason as a number: 0 is none, else 1 + its index in REJECT_REASONS. */
export type Outcome = number

export const ACCEPTED: Outcome = 0

export const OUTCOME = Object.fromEntries(
  REJECT_REASONS.map((reason, index) => [reason, index + 1]),
) as Readonly<Record<RejectReason, Outcome>>

/** What is wrong with a bar by itself, whatever came before it: the first three reasons. */
export function faultOfBar(
  barTime: number,
  open: number,
  high: number,
  low: number,
  close: number,
): Outcome {
  const finite =
    Number.isFinite(open) && Number.isFinite(high) && Number.isFinite(low) && Number.isFinite(close)
  if (!finite || !(Math.abs(barTime) <= MAX_INSTANT)) return OUTCOME.unparsable
  if (!(open > 0 && high > 0 && low > 0 && close > 0)) return OUTCOME.non_positive
  if (high < open || high < close || low > open || low > close) return OUTCOME.ohlc
  return ACCEPTED
}
