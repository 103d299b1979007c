import type { ExecutionRules } from '@usdcop/decision/execution'
import type { Decided } from '../decide.ts'
import { LatencyWindow } from '../latency.ts'
import { tickOf } from './tick.ts'
import type { ConsoleTick } from './wire.ts'

/** The newest tick of the console's symbol, and who wants the next ones. */
export class ConsoleFeed {
  readonly window = new LatencyWindow()
  readonly #symbol: string
  readonly #rules: ExecutionRules
  readonly #listeners = new Set<(tick: ConsoleTick) => void>()
  #last: ConsoleTick | undefined

  constructor(symbol: string, rules: ExecutionRules) {
    this.#symbol = symbol
    this.#rules = rules
  }

  get last(): ConsoleTick | undefined {
    return this.#last
  }

  publish(decided: Decided): void {
    this.window.add(decided.stages.total)
    if (decided.event.symbol !== this.#symbol) return
    this.#last = tickOf(decided, this.#rules, this.window)
    for (const listener of this.#listeners) listener(this.#last)
  }

  subscribe(listener: (tick: ConsoleTick) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
