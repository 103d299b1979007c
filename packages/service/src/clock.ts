/**
 * The domain clock: what time the market has, in epoch milliseconds. TTLs, sessions, freshness and
 * decisions use it. Deadlines and retries use the monotonic clock and are never accelerated.
 */
export interface DomainClock {
  now(): number
}

export const wallClock: DomainClock = { now: () => Date.now() }

/** A clock that a replay moves; it never runs backwards. */
export class SteppedClock implements DomainClock {
  #now: number

  constructor(startAt: number) {
    this.#now = startAt
  }

  now(): number {
    return this.#now
  }

  advanceTo(instant: number): void {
    if (instant > this.#now) this.#now = instant
  }
}
