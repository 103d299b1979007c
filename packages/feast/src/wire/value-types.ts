/** Feast's scalar types, under Feast's names, with the JavaScript type that holds each. */
export interface ScalarTypes {
  BYTES: Uint8Array
  STRING: string
  INT32: number
  INT64: bigint
  DOUBLE: number
  FLOAT: number
  BOOL: boolean
  /** Epoch seconds. */
  UNIX_TIMESTAMP: bigint
  /** JSON text, kept as it was written. */
  JSON: string
  UUID: string
  TIME_UUID: string
  /** A decimal number's text: no float is precise enough for it. */
  DECIMAL: string
}

export type ScalarType = keyof ScalarTypes
export type ListType = `${ScalarType}_LIST`
export type SetType = `${Exclude<ScalarType, 'JSON'>}_SET`

export type Scalar<T extends ScalarType = ScalarType> = {
  [K in T]: { readonly type: K; readonly value: ScalarTypes[K] }
}[T]
export type List<T extends ScalarType = ScalarType> = {
  [K in T]: { readonly type: `${K}_LIST`; readonly value: readonly ScalarTypes[K][] }
}[T]
/** The items in the order in which they are stored; no two are equal. */
export type ItemSet<T extends Exclude<ScalarType, 'JSON'> = Exclude<ScalarType, 'JSON'>> = {
  [K in T]: { readonly type: `${K}_SET`; readonly value: readonly ScalarTypes[K][] }
}[T]

export type ValueMap = ReadonlyMap<string, Value>

/** An instant that remembers the zone it was written in; an empty zone is UTC. */
export interface ZonedInstant {
  /** Epoch seconds. */
  readonly seconds: bigint
  /** An IANA name or a fixed offset, as `UTC-05:00`. */
  readonly zone: string
}

/** A map whose keys are no strings. */
export type ScalarMap = readonly { readonly key: Scalar | null; readonly value: Value }[]

export type Nested =
  | { readonly type: 'MAP' | 'STRUCT'; readonly value: ValueMap }
  | { readonly type: 'MAP_LIST' | 'STRUCT_LIST'; readonly value: readonly ValueMap[] }
  | { readonly type: 'VALUE_LIST' | 'VALUE_SET'; readonly value: readonly Value[] }
  | { readonly type: 'SCALAR_MAP'; readonly value: ScalarMap }
  | { readonly type: 'ZONED_TIMESTAMP'; readonly value: ZonedInstant }

/** One feature value of Feast's `feast.types.Value`; null is Feast's unset oneof. */
export type Value = Scalar | List | ItemSet | Nested | null
export type ValueType = NonNullable<Value>['type']

/** The field of the `Value` message that holds each type; the number also names the type in entity keys. */
export const FIELD_OF = {
  BYTES: 1,
  STRING: 2,
  INT32: 3,
  INT64: 4,
  DOUBLE: 5,
  FLOAT: 6,
  BOOL: 7,
  UNIX_TIMESTAMP: 8,
  BYTES_LIST: 11,
  STRING_LIST: 12,
  INT32_LIST: 13,
  INT64_LIST: 14,
  DOUBLE_LIST: 15,
  FLOAT_LIST: 16,
  BOOL_LIST: 17,
  UNIX_TIMESTAMP_LIST: 18,
  MAP: 20,
  MAP_LIST: 21,
  BYTES_SET: 22,
  STRING_SET: 23,
  INT32_SET: 24,
  INT64_SET: 25,
  DOUBLE_SET: 26,
  FLOAT_SET: 27,
  BOOL_SET: 28,
  UNIX_TIMESTAMP_SET: 29,
  JSON: 32,
  JSON_LIST: 33,
  STRUCT: 34,
  STRUCT_LIST: 35,
  UUID: 36,
  TIME_UUID: 37,
  UUID_LIST: 38,
  TIME_UUID_LIST: 39,
  UUID_SET: 40,
  TIME_UUID_SET: 41,
  VALUE_LIST: 42,
  VALUE_SET: 43,
  DECIMAL: 44,
  DECIMAL_LIST: 45,
  DECIMAL_SET: 46,
  SCALAR_MAP: 47,
  ZONED_TIMESTAMP: 48,
} as const satisfies Record<ValueType, number>

/** How the value of a type is laid out. */
export type Shape =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  | { readonly kind: 'items'; readonly type: ListType | SetType; readonly item: ScalarType }
  | { readonly kind: 'nested'; readonly type: Nested['type'] }

const NESTED: ReadonlySet<string> = new Set<Nested['type']>([
  'MAP',
  'MAP_LIST',
  'STRUCT',
  'STRUCT_LIST',
  'VALUE_LIST',
  'VALUE_SET',
  'SCALAR_MAP',
  'ZONED_TIMESTAMP',
])

/** By field number, with holes. */
const SHAPES: Shape[] = []
for (const [type, field] of Object.entries(FIELD_OF)) SHAPES[field] = shapeNamed(type as ValueType)

function shapeNamed(type: ValueType): Shape {
  if (NESTED.has(type)) return { kind: 'nested', type: type as Nested['type'] }
  const item = type.replace(/_(?:LIST|SET)$/, '') as ScalarType
  if (item === type) return { kind: 'scalar', type: item }
  return { kind: 'items', type: type as ListType | SetType, item }
}

/** Undefined for a field that holds no type we know. */
export function shapeOfField(field: number): Shape | undefined {
  return SHAPES[field]
}

export function shapeOf(type: ValueType): Shape {
  return SHAPES[FIELD_OF[type]] as Shape
}

export function isScalar(value: NonNullable<Value>): value is Scalar {
  return shapeOf(value.type).kind === 'scalar'
}

export function isItems(value: NonNullable<Value>): value is List | ItemSet {
  return shapeOf(value.type).kind === 'items'
}

/** The items of a list or set as values of their own. */
export function itemsOf(value: List | ItemSet): Scalar[] {
  const { item } = shapeOf(value.type) as Extract<Shape, { kind: 'items' }>
  return value.value.map((each) => ({ type: item, value: each }) as Scalar)
}
