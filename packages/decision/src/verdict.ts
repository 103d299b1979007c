import { type MappingRules, mapAction, type Signal, type Target } from './mapping.ts'
import { inOrder, type RefusalReason } from './reasons.ts'

/** How one question was answered: acted on, or refused with every reason. 0 is an action. */
export type Verdict =
  | {
      readonly outcome: 'action'
      readonly rawAction: number
      readonly action: number
      readonly signal: Signal
      readonly target: Target
      readonly reasons: readonly []
    }
  | {
      readonly outcome: 'no_action'
      readonly rawAction: null
      readonly action: null
      readonly signal: null
      readonly target: null
      readonly reasons: readonly RefusalReason[]
    }

export function refuse(reasons: Iterable<RefusalReason>): Verdict {
  return {
    outcome: 'no_action',
    rawAction: null,
    action: null,
    signal: null,
    target: null,
    reasons: inOrder(reasons),
  }
}

/** The only way to an action: no gate refused, and the model answered a finite number. */
export function conclude(
  reasons: readonly RefusalReason[],
  rawAction: number | undefined,
  rules: MappingRules,
): Verdict {
  if (rawAction === undefined) {
    return refuse(reasons.length > 0 ? reasons : ['model_unavailable'])
  }
  if (!Number.isFinite(rawAction)) return refuse([...reasons, 'action_not_finite'])
  if (reasons.length > 0) return refuse(reasons)
  return { outcome: 'action', rawAction, ...mapAction(rawAction, rules), reasons: [] }
}
