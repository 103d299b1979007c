import type { StoredRow } from '../stores/online-store.ts'
import type { Value } from '../wire/value.ts'

/**
 * How rows past their view's ttl and missing values are told:
 * `mark` says so in the status and keeps the value, `enforce` also nulls a value that is too old,
 * `strict` calls everything PRESENT, as Feast's Python server does over Redis.
 */
export type Serving = 'mark' | 'enforce' | 'strict'

export type Status = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE'

export interface Cell {
  readonly status: Status
  readonly value: Value
}

const NOT_FOUND: Cell = { status: 'NOT_FOUND', value: null }
const NULL_VALUE: Cell = { status: 'NULL_VALUE', value: null }

/** True when a row of this age may not be used any more; a ttl of 0 never ends. */
export function outlived(eventTimestamp: number, ttlMs: number, now: number): boolean {
  return ttlMs > 0 && now - eventTimestamp > ttlMs
}

/**
 * What a caller is told about one feature of one row.
 * @param value undefined where the feature was never written
 * @param old whether the row has outlived its view's ttl
 */
export function cellOf(
  row: StoredRow | undefined,
  value: Value | undefined,
  old: boolean,
  serving: Serving,
): Cell {
  if (serving === 'strict') return { status: 'PRESENT', value: value ?? null }
  if (row === undefined || value === undefined) return NOT_FOUND
  if (value === null) return NULL_VALUE
  if (!old) return { status: 'PRESENT', value }
  return { status: 'OUTSIDE_MAX_AGE', value: serving === 'enforce' ? null : value }
}
