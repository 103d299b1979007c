import type {
  ListType,
  ScalarType,
  ScalarTypes,
  SetType,
  ValueType,
} from '@usdcop/feast/wire/value-types'

/** What JSON can hold; integers beyond 2^53 are bigint. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [name: string]: Json
}

/** A point in time: a Date, or epoch milliseconds whose fraction holds microseconds. */
export type Instant = Date | number

type ItemOf<T extends ListType | SetType> = T extends
  | `${infer Item extends ScalarType}_LIST`
  | `${infer Item extends ScalarType}_SET`
  ? Item
  : never

/**
 * How a served value of a Feast type is told: 64-bit integers as bigint, UNIX_TIMESTAMP among them (epoch
 * seconds), bytes as bytes, zoned timestamps as ISO text; JSON and decimals stay the text they are.
 */
export type ReadValue<T extends ValueType> = T extends ScalarType
  ? ScalarTypes[T]
  : T extends ListType | SetType
    ? readonly ScalarTypes[ItemOf<T>][]
    : T extends keyof NestedTypes
      ? NestedTypes[T]
      : never

interface NestedTypes {
  MAP: JsonObject
  STRUCT: JsonObject
  MAP_LIST: readonly JsonObject[]
  STRUCT_LIST: readonly JsonObject[]
  VALUE_LIST: readonly Json[]
  VALUE_SET: readonly Json[]
  /** Feast's server prints none of it. */
  SCALAR_MAP: never
  ZONED_TIMESTAMP: string
}

/** What may be sent for a value of a Feast type. There is no JSON for bytes, nor for scalar maps. */
export type WrittenValue<T extends ValueType> = T extends ScalarType
  ? WrittenScalars[T]
  : T extends ListType | SetType
    ? readonly WrittenScalars[ItemOf<T>][]
    : T extends keyof NestedTypes
      ? NestedTypes[T]
      : never

interface WrittenScalars {
  BYTES: never
  STRING: string
  INT32: number
  INT64: bigint | number
  /** Finite: JSON has no other numbers. */
  DOUBLE: number
  FLOAT: number
  BOOL: boolean
  /** Epoch seconds, or a Date that is cut off to seconds. */
  UNIX_TIMESTAMP: bigint | Date
  JSON: string
  UUID: string
  TIME_UUID: string
  DECIMAL: string
}
