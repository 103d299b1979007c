import type { Calendar } from './calendar.ts'
import type { Contract } from './contract.ts'

/** One daily value as a source published it; `date` is YYYY-MM-DD. */
export interface MacroValue {
  readonly series: string
  readonly date: string
  readonly value: number
}
export type PublishOutcome = 'accepted' | 'unchanged' | 'corrected'

/** Every published macro value, and the macro features as of any instant. */
export class MacroTimeline {
  constructor(contract: Contract, calendar: Calendar) {
    throw new Error(`not written yet: ${contract.name} ${calendar.barMs}`)
  }

  /** Takes a value, or a correction of one. Throws on an unknown series, no date or no number. */
  publish(value: MacroValue): PublishOutcome {
    throw new Error(`not written yet: ${value.series}`)
  }
}
