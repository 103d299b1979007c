import { DuckDBBlobValue, DuckDBListValue, type DuckDBValue } from '@duckdb/node-api'
import type { Value, ValueType } from '@usdcop/feast/wire/value'
import { ServiceError } from '@usdcop/service/errors'

/** What DuckDB read, as the type the registry says; a scalar NaN is a null, as in Feast. */
export function toValue(type: ValueType, given: DuckDBValue): Value {
  if (given === null) return null
  if (!(given instanceof DuckDBListValue)) {
    const value = scalar(type, given)
    return Number.isNaN(value) ? null : ({ type, value } as Value)
  }
  const item = type.replace(/_(?:LIST|SET)$/, '')
  const items = given.items.map((each) => (each === null ? absent(item) : scalar(item, each)))
  return { type, value: type.endsWith('_SET') ? [...new Set(items)] : items } as Value
}

function scalar(type: string, given: DuckDBValue): unknown {
  if (given instanceof DuckDBBlobValue) return given.bytes
  if (type === 'INT32') return Number(given)
  if (type === 'FLOAT') return Math.fround(given as number)
  return given
}

/** A list has no place for a null: what convertValue takes of JSON for one, and no more. */
function absent(item: string): unknown {
  if (item === 'STRING') return ''
  if (item === 'BOOL') return false
  if (item === 'DOUBLE' || item === 'FLOAT') return Number.NaN
  throw new ServiceError('invalid_request', `a list of ${item} in the source holds a null`)
}
