/** Tokens of a bucket each: so many at once, and so many a second. */
export interface RateLimit {
  readonly burst: number
  readonly perSecond: number
}

/**
 * Tells whether one more is within the limit, and counts it then.
 * @returns seconds to wait, whole and at least one; 0 is yes
 */
export type Limiter = (name: string) => number

/** @param names a closed set: a bucket is kept for each that ever came */
export function createLimiter({ burst, perSecond }: RateLimit, now: () => number): Limiter {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return (name) => {
    const at = now()
    const bucket = buckets.get(name) ?? { tokens: burst, at }
    buckets.set(name, bucket)
    bucket.tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1_000) * perSecond)
    bucket.at = at
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 0
    }
    return Math.ceil((1 - bucket.tokens) / perSecond)
  }
}
