export type Signal = 'LONG' | 'SHORT' | 'FLAT'

/** Units of the notional wanted: short, flat or long. */
export type Target = -1 | 0 | 1

/** The contract's mapping block: a model's number becomes a signal. */
export interface MappingRules {
  readonly low: number
  readonly high: number
  /** LONG strictly above. */
  readonly longAbove: number
  /** SHORT strictly below. */
  readonly shortBelow: number
}

export interface Mapped {
  /** The action after the clip. */
  readonly action: number
  readonly signal: Signal
  readonly target: Target
}

/** Thrown for a number no action can be read from. */
export class ActionError extends Error {
  readonly code = 'action_not_finite'
}

/** Clips a raw action to the contract's bounds and names the signal. Refuses NaN and infinities. */
export function mapAction(raw: number, rules: MappingRules): Mapped {
  if (!Number.isFinite(raw)) throw new ActionError(`an action must be finite, got ${raw}`)
  const action = Math.min(rules.high, Math.max(rules.low, raw))
  if (action > rules.longAbove) return { action, signal: 'LONG', target: 1 }
  if (action < rules.shortBelow) return { action, signal: 'SHORT', target: -1 }
  return { action, signal: 'FLAT', target: 0 }
}
