import { type Calendar, parseDay } from './calendar.ts'
import type { Contract } from './contract.ts'
import { ObservationError } from './errors.ts'
import { type MacroFormula, macroFormulas, type Released } from './macro-features.ts'
import { openState, sealState } from './state.ts'

/** One daily value as a source published it; `date` is YYYY-MM-DD. */
export interface MacroValue {
  readonly series: string
  readonly date: string
  readonly value: number
}
export type PublishOutcome = 'accepted' | 'unchanged' | 'corrected'

/** The macro features over a span of instants in which nothing is released. */
export interface MacroView {
  /** In contract order; NaN is missing. */
  readonly values: Float64Array
  /** Release instant of the series that has been silent longest; NaN before any release. */
  readonly oldestReleaseAt: number
  /** The span, epoch ms: from inclusive, until exclusive. */
  readonly from: number
  readonly until: number
}

/** One series by ascending date. A release instant never precedes that of an earlier date. */
class Series {
  days: number[] = []
  values: number[] = []
  releasedAt: number[] = []

  load(days: Float64Array, values: Float64Array, calendar: Calendar): void {
    this.days = [...days]
    this.values = [...values]
    this.releasedAt = this.days.map((day) => calendar.releaseInstantAfter(day))
  }

  /** How many values are released at `instant`. */
  releasedBy(instant: number): number {
    return firstAbove(this.releasedAt, instant)
  }
}

/**
 * Every published macro value. What the features are at an instant depends on the values and the
 * instant alone, never on the order in which values arrived or questions were asked.
 */
export class MacroTimeline {
  readonly #contract: Contract
  readonly #calendar: Calendar
  readonly #series: ReadonlyMap<string, Series>
  readonly #formulas: readonly MacroFormula[]
  #view: MacroView | undefined

  constructor(contract: Contract, calendar: Calendar) {
    this.#contract = contract
    this.#calendar = calendar
    this.#series = new Map(contract.definition.macro.series.map((name) => [name, new Series()]))
    this.#formulas = macroFormulas(contract)
  }

  /** Takes a value, or a correction of one. Throws on an unknown series, no date or no number. */
  publish({ series, date, value }: MacroValue): PublishOutcome {
    const target = this.#series.get(series)
    if (target === undefined)
      throw new ObservationError('macro_invalid', `unknown macro series: ${series}`)
    if (!Number.isFinite(value))
      throw new ObservationError('macro_invalid', `${series} of ${date} is not a finite number`)
    const outcome = this.#insert(target, dayOf(date), value)
    if (outcome !== 'unchanged') this.#view = undefined
    return outcome
  }

  /** The features usable at `instant`; the same object until a release or a correction. */
  viewAt(instant: number): MacroView {
    const view = this.#view
    if (view !== undefined && instant >= view.from && instant < view.until) return view
    return (this.#view = this.#compute(instant))
  }

  /** The whole timeline as bytes, for `restore` under the same definition. */
  save(): Uint8Array {
    const numbers: number[] = []
    for (const { days, values } of this.#series.values())
      numbers.push(days.length, ...days, ...values)
    return sealState(this.#contract, 'macro', numbers)
  }

  /** Replaces the timeline. Throws on bytes of another definition or no timeline at all. */
  restore(bytes: Uint8Array): void {
    const numbers = openState(this.#contract, 'macro', bytes)
    const runs: Float64Array[] = []
    let at = 0
    for (const _ of this.#series) {
      const length = numbers[at]!
      runs.push(numbers.subarray(at + 1, at + 1 + length))
      runs.push(numbers.subarray(at + 1 + length, at + 1 + 2 * length))
      at += 1 + 2 * length
    }
    if (at !== numbers.length)
      throw new ObservationError('state_invalid', 'the macro state has another length than it says')
    for (const [i, series] of [...this.#series.values()].entries())
      series.load(runs[2 * i]!, runs[2 * i + 1]!, this.#calendar)
    this.#view = undefined
  }

  #insert(target: Series, day: number, value: number): PublishOutcome {
    const at = firstAbove(target.days, day)
    if (target.days[at - 1] === day) {
      if (target.values[at - 1] === value) return 'unchanged'
      target.values[at - 1] = value
      return 'corrected'
    }
    target.days.splice(at, 0, day)
    target.values.splice(at, 0, value)
    target.releasedAt.splice(at, 0, this.#calendar.releaseInstantAfter(day))
    return 'accepted'
  }

  #compute(instant: number): MacroView {
    let from = Number.NEGATIVE_INFINITY
    let until = Number.POSITIVE_INFINITY
    let oldestReleaseAt = Number.POSITIVE_INFINITY
    for (const series of this.#series.values()) {
      const count = series.releasedBy(instant)
      const newest = series.releasedAt[count - 1]
      if (newest !== undefined) {
        from = Math.max(from, newest)
        oldestReleaseAt = Math.min(oldestReleaseAt, newest)
      }
      until = Math.min(until, series.releasedAt[count] ?? Number.POSITIVE_INFINITY)
    }
    const released = (name: string): Released => {
      const series = this.#series.get(name)!
      return { values: series.values, count: series.releasedBy(instant) }
    }
    return {
      values: Float64Array.from(this.#formulas, (formula) => formula(released)),
      oldestReleaseAt: oldestReleaseAt === Number.POSITIVE_INFINITY ? Number.NaN : oldestReleaseAt,
      from,
      until,
    }
  }
}

function dayOf(date: string): number {
  try {
    return parseDay(date)
  } catch (cause) {
    throw new ObservationError('macro_invalid', `no date: ${date}`, { cause })
  }
}

/** Index of the first element above `limit` in an ascending list. */
function firstAbove(ascending: readonly number[], limit: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! <= limit) low = middle + 1
    else high = middle
  }
  return low
}
