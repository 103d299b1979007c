import { expect, test } from 'vitest'
import { cellOf } from '../../src/serving/cell.ts'
import type { Serving } from '../../src/serving/ttl.ts'
import type { Value } from '../../src/wire/value-types.ts'

const HALF: Value = { type: 'DOUBLE', value: 0.5 }
const row = { eventTimestamp: 1, values: [] }

test.for<[string, Serving, typeof row | undefined, Value | undefined, boolean, string, Value]>([
  ['a fresh value', 'mark', row, HALF, false, 'PRESENT', HALF],
  ['an old value', 'mark', row, HALF, true, 'OUTSIDE_MAX_AGE', HALF],
  ['an old value', 'enforce', row, HALF, true, 'OUTSIDE_MAX_AGE', null],
  ['an old value', 'strict', row, HALF, true, 'PRESENT', HALF],
  ['a null', 'mark', row, null, false, 'NULL_VALUE', null],
  ['an old null', 'enforce', row, null, true, 'NULL_VALUE', null],
  ['a null', 'strict', row, null, false, 'PRESENT', null],
  ['a feature never written', 'mark', row, undefined, false, 'NOT_FOUND', null],
  ['a feature never written', 'strict', row, undefined, false, 'PRESENT', null],
  ['no row', 'mark', undefined, undefined, false, 'NOT_FOUND', null],
  ['no row', 'strict', undefined, undefined, false, 'PRESENT', null],
])('tells %s under %s', ([, serving, stored, value, old, status, told]) => {
  expect(cellOf(stored, value, old, serving)).toEqual({ status, value: told })
})
