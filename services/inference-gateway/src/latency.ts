/** Where one decision spent its time, in milliseconds of the monotonic clock. */
export interface StageMs {
  readonly features: number
  readonly model: number
  readonly ledger: number
  readonly total: number
}

/** Measures stages one after another. */
export class Stopwatch {
  readonly #startedAt = performance.now()
  #lapAt = this.#startedAt

  /** Since the last lap. */
  lapMs(): number {
    const now = performance.now()
    const ms = now - this.#lapAt
    this.#lapAt = now
    return ms
  }

  totalMs(): number {
    return performance.now() - this.#startedAt
  }
}

const WINDOW = 512

/** The totals of the newest decisions, for percentiles on the console. */
export class LatencyWindow {
  readonly #totals: number[] = []
  #next = 0

  add(totalMs: number): void {
    this.#totals[this.#next] = totalMs
    this.#next = (this.#next + 1) % WINDOW
  }

  /** Nearest-rank; 0 before the first decision. */
  percentileMs(fraction: number): number {
    const sorted = this.#totals.toSorted((a, b) => a - b)
    return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0
  }
}
