/**
 * How rows past their view's ttl and missing values are told:
 * `mark` says so in the status and keeps the value, `enforce` also nulls a value that is too old,
 * `strict` calls everything PRESENT, as Feast's Python server does over Redis.
 */
export type Serving = 'mark' | 'enforce' | 'strict'

/** What a caller may be told about a value; their places are how replies count them. */
export const STATUSES = ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'] as const

export type Status = (typeof STATUSES)[number]

/** True when a row of this age may not be used any more; a ttl of 0 never ends. */
export function outlived(eventTimestamp: number, ttlMs: number, now: number): boolean {
  return ttlMs > 0 && now - eventTimestamp > ttlMs
}
