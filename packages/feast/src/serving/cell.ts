import type { StoredRow } from '../stores/online-store.ts'
import type { Value } from '../wire/value-types.ts'
import type { Serving, Status } from './ttl.ts'

export interface Cell {
  readonly status: Status
  readonly value: Value
}

const NOT_FOUND: Cell = { status: 'NOT_FOUND', value: null }
const NULL_VALUE: Cell = { status: 'NULL_VALUE', value: null }

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
