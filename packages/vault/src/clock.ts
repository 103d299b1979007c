import { setTimeout as delay } from 'node:timers/promises'

/** The monotonic clock that leases are measured with, in milliseconds from anywhere. */
export interface Clock {
  now(): number
  /** Rejects with the signal's reason. Any number of milliseconds, `Infinity` too. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/** Beyond it Node takes a timer for one of a millisecond; 32 days of a token are longer. */
export const MAX_TIMER_MS = 2 ** 31 - 1

export const monotonicClock: Clock = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    const until = performance.now() + ms
    for (let left = ms; left > 0; left = until - performance.now())
      await delay(Math.min(left, MAX_TIMER_MS), undefined, { signal, ref: false })
    signal.throwIfAborted()
  },
}
