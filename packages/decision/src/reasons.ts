/**
 * Every reason for which the platform refuses to act, in the order in which reasons are listed.
 * The order is part of the ledger's domain content: the same faults always read the same.
 */
export const REFUSAL_REASONS = [
  /** The bar closes after the domain clock's now, or a value is of after its close: the future. */
  'clock_behind',
  /** The calendar knows no session at the bar's label, or another one than the bar claims. */
  'out_of_session',
  /** The bar closed longer ago than the contract allows. */
  'bar_stale',
  /** The newest bar came in as history, on which nothing is decided. */
  'history_only',
  /** The reducer has not seen enough bars yet. */
  'warmup',
  /** Too many bars are missing before this one in its session. */
  'gap',
  /** A macro series has not published for longer than the contract allows. */
  'stale_macro',
  /** The bar or the served features were computed under another definition. */
  'definition_mismatch',
  /** The model was made for another contract. */
  'contract_mismatch',
  /** The feature server gave no usable answer. */
  'features_unavailable',
  /** A feature was not found, or not answered at all. */
  'feature_missing',
  /** A feature is there and holds no value. */
  'feature_null',
  /** A feature is older than its view's time to live. */
  'feature_outside_max_age',
  /** A feature stands in another's place, or is not of this bar or this session's release. */
  'feature_mismatch',
  /** A number of the observation is NaN or infinite. */
  'observation_not_finite',
  /** There is no model, or it failed to answer. */
  'model_unavailable',
  /** The model answered NaN or an infinity. */
  'action_not_finite',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** The reasons once each, in the documented order. */
export function inOrder(reasons: Iterable<RefusalReason>): readonly RefusalReason[] {
  const given = new Set(reasons)
  return REFUSAL_REASONS.filter((reason) => given.has(reason))
}
