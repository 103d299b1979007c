/** Things in the order of the instants at which they are due, taken from the front. */
export class DueQueue<T extends { readonly at: number }> {
  readonly #items: readonly T[]
  #taken = 0

  /** @param items ascending by `at` */
  constructor(items: readonly T[]) {
    this.#items = items
  }

  get taken(): number {
    return this.#taken
  }

  /** The next one, due or not. */
  get next(): T | undefined {
    return this.#items[this.#taken]
  }

  countDue(instant: number): number {
    const later = this.#items.findIndex(({ at }, i) => i >= this.#taken && at > instant)
    return (later === -1 ? this.#items.length : later) - this.#taken
  }

  takeDue(instant: number, atMost: number): readonly T[] {
    const count = Math.min(this.countDue(instant), atMost)
    this.#taken += count
    return this.#items.slice(this.#taken - count, this.#taken)
  }
}
