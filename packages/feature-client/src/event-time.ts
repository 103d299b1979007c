import { formatTimestamp } from '@usdcop/feast/wire/timestamp'
import { ServiceError } from '@usdcop/service/errors'
import type { Instant } from './value-types.ts'

const STAMP = /^(?<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?<fraction>\d{1,9}))?Z$/

/**
 * A stamp of a reply as epoch milliseconds, finer parts as their fraction; null for the epoch, Feast's
 * word for never, undefined where the text is no instant.
 */
export function readEventTime(text: string): number | null | undefined {
  const groups = STAMP.exec(text)?.groups
  if (groups === undefined) return undefined
  const { seconds, fraction = '' } = groups
  const whole = Date.parse(`${seconds}Z`)
  // Date.parse rolls 31 February over; the way back shows it.
  if (Number.isNaN(whole) || new Date(whole).toISOString().slice(0, 19) !== seconds)
    return undefined
  // As packages/feast reads stored ones, so that equal instants are equal numbers.
  const instant = (whole * 1_000 + Number(fraction.padEnd(9, '0')) / 1_000) / 1_000
  return instant === 0 ? null : instant
}

/** ISO 8601 in UTC with milliseconds, or with microseconds where the instant has them. */
export function writeInstant(instant: Instant): string {
  const ms = Number(instant)
  if (Number.isNaN(new Date(ms).getTime()))
    throw new ServiceError('invalid_request', `${String(instant)} is no instant`)
  return Number.isInteger(ms) ? new Date(ms).toISOString() : formatTimestamp(ms)
}
