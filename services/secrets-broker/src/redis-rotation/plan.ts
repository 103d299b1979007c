import { createHash } from 'node:crypto'
import type { Secret } from '@usdcop/vault/secret'

/** SHA-256 in hex, which is all that Redis keeps of a password, and all that it is told here. */
export type PasswordHash = string

export function passwordHash(password: Secret): PasswordHash {
  return createHash('sha256').update(password.reveal()).digest('hex')
}

/** Passwords that Redis accepts though they are not the secret’s, and since when this process has seen it. */
export type Leftovers = ReadonlyMap<PasswordHash, number>

export interface AclState {
  /** Of the password that stands in Vault. */
  readonly current: PasswordHash
  /** What Redis accepts of the user. */
  readonly accepted: ReadonlySet<PasswordHash>
  readonly leftovers: Leftovers
  /** Monotonic, milliseconds. */
  readonly now: number
  readonly graceMs: number
}

export interface AclPlan {
  /** Whether the current one has to be accepted; before anything else is done. */
  readonly add: boolean
  readonly remove: readonly PasswordHash[]
  readonly leftovers: Leftovers
  /** When the next leftover goes; `Infinity` where there is none. */
  readonly nextAt: number
}

/**
 * What a state needs, whoever has made it: a rotation, one that was killed half-way, a Redis that has come up with an older
 * file, a person who has written another password into Vault.
 *
 * The current password is accepted; every other one goes, after a grace in which whoever still has it reads the secret again. The
 * grace counts from when *this process* first saw it left over: so one that another process has just added, and is about to write
 * into Vault, is never taken away from under it.
 */
export function planAcl({ current, accepted, leftovers, now, graceMs }: AclState): AclPlan {
  const others = [...accepted].filter((hash) => hash !== current)
  const since = new Map(others.map((hash) => [hash, leftovers.get(hash) ?? now] as const))
  const remove = others.filter((hash) => now - (since.get(hash) ?? now) >= graceMs)
  for (const hash of remove) since.delete(hash)
  return {
    add: !accepted.has(current),
    remove,
    leftovers: since,
    nextAt: Math.min(Infinity, ...[...since.values()].map((at) => at + graceMs)),
  }
}
