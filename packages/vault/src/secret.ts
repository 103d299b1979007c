import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const SHOWN = '[secret]'

/**
 * A value that prints as `[secret]` wherever it is printed: text, template, JSON, `inspect`, pino. `reveal()` is the one
 * way out, and easy to search for. A structured clone of it is an empty object: a value does not cross to another thread
 * unseen. It stays in this process's memory until it is collected, and a heap snapshot shows it: JavaScript text cannot
 * be wiped.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
    Object.freeze(this)
  }

  reveal(): string {
    return this.#value
  }

  /** Compared by digest, so the time it takes says nothing about the value. */
  equals(other: Secret): boolean {
    return timingSafeEqual(digestOf(this.#value), digestOf(other.#value))
  }

  toString(): string {
    return SHOWN
  }

  toJSON(): string {
    return SHOWN
  }

  [Symbol.toPrimitive](): string {
    return SHOWN
  }

  [inspect.custom](): string {
    return SHOWN
  }

  get [Symbol.toStringTag](): string {
    return SHOWN
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
