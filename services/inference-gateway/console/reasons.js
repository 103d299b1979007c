/**
 * Why a decision is what it is, in words.
 *
 * @import { ConsoleDecision } from './wire.d.ts'
 */

/**
 * The gates' reason codes. A test holds this list equal to theirs.
 *
 * @type {Readonly<Record<string, string>>}
 */
export const REASON_WORDS = {
  clock_behind: 'a bar or value comes from the future',
  out_of_session: 'outside the session',
  bar_stale: 'the bar is too old',
  history_only: 'only history so far',
  warmup: 'too little history yet',
  gap: 'too many bars missing',
  stale_macro: 'a macro series stopped publishing',
  definition_mismatch: 'features follow another definition',
  contract_mismatch: 'the model follows another contract',
  features_unavailable: 'no answer from the feature server',
  feature_missing: 'a feature is missing',
  feature_null: 'a feature has no value',
  feature_outside_max_age: 'a feature is too old',
  feature_mismatch: 'features of another bar',
  observation_not_finite: 'the observation is not finite',
  model_unavailable: 'the model does not answer',
  action_not_finite: 'the model answered no number',
}

/**
 * A code that is not known here is read out as it is written.
 *
 * @param {string} code
 */
export function describeReason(code) {
  return REASON_WORDS[code] ?? code.replaceAll('_', ' ')
}

/**
 * One line a decision: what it changes, or why nothing was done.
 *
 * @param {ConsoleDecision} decision
 * @param {ConsoleDecision['signal']} before the signal acted on before this one, null at the start
 */
export function describeDecision({ signal, reasons }, before) {
  if (signal !== null) return describeChange(signal, before ?? 'FLAT')
  return capitalise(reasons.map(describeReason).join('; ') || 'refused')
}

/**
 * @param {NonNullable<ConsoleDecision['signal']>} signal
 * @param {NonNullable<ConsoleDecision['signal']>} before
 */
function describeChange(signal, before) {
  if (signal === before) return signal === 'FLAT' ? 'Stays out' : `Stays ${signal.toLowerCase()}`
  if (signal === 'FLAT') return `Closes ${before.toLowerCase()}`
  return `${before === 'FLAT' ? 'Goes' : 'Turns'} ${signal.toLowerCase()}`
}

/** @param {string} text */
function capitalise(text) {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
