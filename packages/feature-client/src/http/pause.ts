const FIRST_MS = 25
const LONGEST_MS = 1_000

/**
 * How long to wait before the next attempt: twice as long each time, and never the same for two callers
 * who failed together. Behind a `Retry-After` that time comes first.
 * @param attempt the one that failed, from 1
 * @param random 0…1
 */
export function pauseMs(attempt: number, retryAfterMs: number | undefined, random: number): number {
  const backOff = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS)
  return (retryAfterMs ?? 0) + backOff * (0.5 + random / 2)
}

/** A `Retry-After` header, seconds or a date, in milliseconds from now; undefined where it is neither. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1_000
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
