import type { RowOutcome } from './materializer.ts'

/** What has become of the rows sent. */
export interface FeedCounts {
  readonly accepted: number
  /** Bars by the reason they were rejected for. */
  readonly rejected: Readonly<Record<string, number>>
  /** Macro values taken, those included that were known already. */
  readonly values: number
  readonly valuesRejected: number
}

export class Tally {
  #counts: FeedCounts = { accepted: 0, rejected: {}, values: 0, valuesRejected: 0 }

  get counts(): FeedCounts {
    return this.#counts
  }

  addBars(outcomes: readonly RowOutcome[]): void {
    const rejected: Record<string, number> = { ...this.#counts.rejected }
    let { accepted } = this.#counts
    for (const { status, reason = status } of outcomes)
      if (status === 'accepted') accepted += 1
      else rejected[reason] = (rejected[reason] ?? 0) + 1
    this.#counts = { ...this.#counts, accepted, rejected }
  }

  addValues(outcomes: readonly RowOutcome[]): void {
    const refused = outcomes.filter(({ status }) => status === 'rejected').length
    const { values, valuesRejected } = this.#counts
    this.#counts = {
      ...this.#counts,
      values: values + outcomes.length - refused,
      valuesRejected: valuesRejected + refused,
    }
  }
}
