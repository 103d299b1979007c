/**
 * The life of something that Vault lends: a token, or credentials with a lease. Pure: time and chance come from outside,
 * in milliseconds and as numbers from 0 to 1.
 *
 *            obtained                      renewed, to its full length
 *   absent ───────────▶ held ──────────────────────────────▶ held
 *     ▲                  │ renewable: at its due time, renew
 *     │                  │ not renewable, capped, or its renewal refused: at its due time, obtain another
 *     │   its time is up │ (the old one serves until the new one is here)
 *     └──────────────────┘
 *
 * - *absent*: nothing is lent, or its time is up. Obtain, at once the first time, after a failure when its delay is over.
 * - *held*: lent and valid until `expiresAt`. What to do next, and when, is `next`.
 * - *capped*, a kind of held: the newest renewal gave less than was given first, so the end that nothing can move is near.
 *   Another one is obtained when this one would be renewed.
 * - *unwanted*, a kind of held: its renewal was refused, or what it was lent under is gone soon. Another one is obtained now.
 *
 * A credential that Vault has refused is never shown again, because five wrong logins lock a role; `mayShowAt` says when
 * another one may be.
 *
 * Timing is that of Vault's LifetimeWatcher: a grace of 10 to 20 % of the lease, drawn once for each; due after two thirds
 * of what remains plus a third of the grace. A failed call comes again after 1, 2, 4 … seconds, at most 5 minutes, each shortened by
 * up to a half by chance. Two calls are never less than a second apart.
 */
export interface Grant {
  /** When it was asked for, so that it never looks longer than it is. */
  readonly grantedAt: number
  /** `Infinity` where it never ends. */
  readonly durationMs: number
  readonly renewable: boolean
}

export interface Holding {
  readonly grant: Grant | undefined
  /** How long it was when it was obtained; renewals are compared with it. */
  readonly fullMs: number
  /**
   * `open`: renewals prolong it. `capped`: none does any more, and it is replaced when it would be renewed. `unwanted`: it
   * is replaced now, and serves until then.
   */
  readonly end: 'open' | 'capped' | 'unwanted'
  /** Drawn for this grant: where in the grace period it stops being renewed. */
  readonly chance: number
  readonly failures: number
  /** Not before. */
  readonly retryAt: number
  readonly calledAt: number
}

export type Step = { readonly call: 'obtain' | 'renew' | 'none'; readonly at: number }

const LEAST_BETWEEN_CALLS_MS = 1_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 300_000
/** Renewals are whole seconds in the answer, so a full one may read a little short. */
const CAPPED_BELOW = 0.9
/** Vault reckons in whole seconds: the last renewal of a shorter one may leave a single second of it. */
const SHORT_MS = 15_000
/** Vault counts wrong logins for 15 minutes and locks a role at the fifth. */
export const AFTER_REFUSALS_MS = 16 * 60_000

export const NOTHING_HELD: Holding = {
  grant: undefined,
  fullMs: 0,
  end: 'open',
  chance: 0,
  failures: 0,
  retryAt: -Infinity,
  calledAt: -Infinity,
}

export function expiresAt({ grantedAt, durationMs }: Grant): number {
  return grantedAt + durationMs
}

export function isValid({ grant }: Holding, now: number): boolean {
  return grant !== undefined && now < expiresAt(grant)
}

/** What to do next, and when; `at` may be past, which means now. */
export function next(holding: Holding, now: number): Step {
  const soonest = Math.max(holding.retryAt, holding.calledAt + LEAST_BETWEEN_CALLS_MS)
  const { grant, end } = holding
  if (grant === undefined || !isValid(holding, now)) return { call: 'obtain', at: soonest }
  if (end === 'unwanted') return { call: 'obtain', at: soonest }
  if (grant.durationMs === Infinity) return { call: 'none', at: Infinity }
  const graceMs = graceOf(grant, holding.chance)
  const at = Math.max(soonest, dueAt(grant, graceMs))
  const inGrace = Math.max(at, now) >= expiresAt(grant) - graceMs
  const prolongs = grant.renewable && end === 'open' && grant.durationMs >= SHORT_MS
  return { call: prolongs && !inGrace ? 'renew' : 'obtain', at }
}

/** Two thirds of the lease plus a third of its grace, which is always before the grace begins. */
function dueAt({ grantedAt, durationMs }: Grant, graceMs: number): number {
  return grantedAt + (durationMs * 2) / 3 + graceMs / 3
}

function graceOf({ durationMs }: Grant, chance: number): number {
  return durationMs * (0.1 + 0.1 * chance)
}

export function obtained(grant: Grant, calledAt: number, chance: number): Holding {
  const { durationMs } = grant
  return { ...NOTHING_HELD, grant, fullMs: durationMs, chance, calledAt }
}

export function renewed(
  holding: Holding,
  answer: Grant,
  calledAt: number,
  chance: number,
): Holding {
  const full = answer.renewable && answer.durationMs >= holding.fullMs * CAPPED_BELOW
  const { fullMs } = holding
  return { ...NOTHING_HELD, grant: answer, fullMs, end: full ? 'open' : 'capped', chance, calledAt }
}

/** Vault could not be asked. What is held stays held. */
export function failed(holding: Holding, calledAt: number, chance: number): Holding {
  const failures = holding.failures + 1
  return { ...holding, failures, calledAt, retryAt: calledAt + retryDelayMs(failures, chance) }
}

/** @param failures in a row, 1 at least */
export function retryDelayMs(failures: number, chance: number): number {
  const longest = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS)
  // The first comes after its whole second, which is what a lease of five can bear.
  return failures === 1 ? longest : longest * (1 - chance / 2)
}

/** Vault refused to renew it, or somebody wants another one: it is replaced now, and serves as long as it may. */
export function unwanted(holding: Holding, calledAt: number): Holding {
  return { ...holding, end: 'unwanted', calledAt, retryAt: calledAt, failures: 0 }
}

/** It is known to be worth nothing: Vault says so, or it was revoked here. */
export function dropped(holding: Holding): Holding {
  return { ...NOTHING_HELD, calledAt: holding.calledAt }
}

/** Vault answers again: whoever waits out a delay need not, but for a moment that spreads the callers. */
export function woken(holding: Holding, now: number, chance: number): Holding {
  if (holding.failures === 0) return holding
  return { ...holding, failures: 0, retryAt: Math.min(holding.retryAt, now + chance * 1_000) }
}

/**
 * When another credential may be shown after refusals. The first other one at once, because somebody has mended it;
 * from then on so seldom that the role is not locked.
 * @param refusals in a row
 */
export function mayShowAt(refusals: number, refusedAt: number): number {
  return refusals <= 1 ? refusedAt + LEAST_BETWEEN_CALLS_MS : refusedAt + AFTER_REFUSALS_MS
}
