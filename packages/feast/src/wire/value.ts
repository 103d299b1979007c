import { ServiceError } from '@usdcop/service/errors'
import { BYTES, FIXED32, FIXED64, ProtoReader, ProtoWriter, VARINT } from './protobuf.ts'

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
}

export type ScalarType = keyof ScalarTypes
export type ListType = `${ScalarType}_LIST`
export type ValueType = ScalarType | ListType

export type Scalar<T extends ScalarType = ScalarType> = {
  [K in T]: { readonly type: K; readonly value: ScalarTypes[K] }
}[T]
export type List<T extends ScalarType = ScalarType> = {
  [K in T]: { readonly type: `${K}_LIST`; readonly value: readonly ScalarTypes[K][] }
}[T]

/** One feature value of Feast's `feast.types.Value`; null is Feast's unset oneof. */
export type Value = Scalar | List | null

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
} as const satisfies Record<ValueType, number>

const NULL_FIELD = 19
const LIST_OFFSET = 10
const TYPE_OF = new Map(
  Object.entries(FIELD_OF).map(([type, field]) => [field as number, type as ValueType]),
)
const NULL_BYTES = Buffer.alloc(0)

/** The bytes Feast stores for a value; a null is the empty string, as Feast writes it. */
export function encodeValue(value: Value): Buffer {
  if (value === null) return NULL_BYTES
  const writer = new ProtoWriter()
  const field = FIELD_OF[value.type]
  if (!isList(value)) {
    writer.tag(field, wireTypeOf(value.type))
    writeScalar(writer, value)
    return writer.bytes()
  }
  return writer.tag(field, BYTES).delimited(encodeList(value)).bytes()
}

/**
 * Reads a stored `Value`. Nothing in the result points into `bytes`.
 * @throws ServiceError `internal` on a type this server does not read, or on broken bytes
 */
export function decodeValue(bytes: Buffer): Value {
  // The common case of a feature store, read without a reader: one double.
  if (bytes.length === 9 && bytes[0] === 0x29)
    return { type: 'DOUBLE', value: bytes.readDoubleLE(1) }
  try {
    return readValue(new ProtoReader(bytes))
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new ServiceError('internal', 'a stored value is not a Value message', { cause })
    throw cause
  }
}

/** Protobuf's rule for a oneof: the last field written is the value. */
function readValue(reader: ProtoReader): Value {
  let value: Value = null
  while (!reader.done) {
    const tag = reader.varint()
    const field = tag >>> 3
    const type = TYPE_OF.get(field)
    if (type !== undefined) {
      value = isListType(type)
        ? readList(reader.delimited(), field - LIST_OFFSET)
        : readScalar(reader, type)
    } else if (field === NULL_FIELD) {
      reader.skip(tag & 7)
      value = null
    } else {
      throw new ServiceError('internal', `a stored value has the unsupported Value field ${field}`)
    }
  }
  return value
}

function encodeList(list: List): Buffer {
  const writer = new ProtoWriter()
  const type = itemTypeOf(list.type)
  if (list.value.length === 0) return writer.bytes()
  const items = list.value.map((value) => ({ type, value }) as Scalar)
  if (type === 'STRING' || type === 'BYTES') {
    for (const item of items) writeScalar(writer.tag(1, BYTES), item)
    return writer.bytes()
  }
  const packed = new ProtoWriter()
  for (const item of items) writeScalar(packed, item)
  return writer.tag(1, BYTES).delimited(packed.bytes()).bytes()
}

function readList(message: Buffer, itemField: number): List {
  const reader = new ProtoReader(message)
  const type = TYPE_OF.get(itemField) as ScalarType
  const values: ScalarTypes[ScalarType][] = []
  while (!reader.done) {
    const wireType = reader.varint() & 7
    // Writers may pack numbers or not; a reader takes both.
    if (wireType === BYTES && type !== 'STRING' && type !== 'BYTES') {
      const packed = new ProtoReader(reader.delimited())
      while (!packed.done) values.push(readScalar(packed, type).value)
    } else {
      values.push(readScalar(reader, type).value)
    }
  }
  return { type: `${type}_LIST`, value: values } as List
}

function writeScalar(writer: ProtoWriter, { type, value }: Scalar): void {
  switch (type) {
    case 'BYTES':
      writer.delimited(value)
      break
    case 'STRING':
      writer.delimited(Buffer.from(value, 'utf8'))
      break
    case 'INT32':
      writer.int64(BigInt(value))
      break
    case 'INT64':
    case 'UNIX_TIMESTAMP':
      writer.int64(value)
      break
    case 'DOUBLE':
      writer.double(value)
      break
    case 'FLOAT':
      writer.float(value)
      break
    case 'BOOL':
      writer.varint(value ? 1 : 0)
      break
  }
}

function readScalar(reader: ProtoReader, type: ScalarType): Scalar {
  switch (type) {
    case 'BYTES':
      return { type, value: Buffer.from(reader.delimited()) }
    case 'STRING':
      return { type, value: reader.delimited().toString('utf8') }
    case 'INT32':
      return { type, value: Number(reader.int64()) }
    case 'INT64':
    case 'UNIX_TIMESTAMP':
      return { type, value: reader.int64() }
    case 'DOUBLE':
      return { type, value: reader.double() }
    case 'FLOAT':
      return { type, value: reader.float() }
    case 'BOOL':
      return { type, value: reader.varint() !== 0 }
  }
}

function wireTypeOf(type: ScalarType): number {
  if (type === 'DOUBLE') return FIXED64
  if (type === 'FLOAT') return FIXED32
  return type === 'BYTES' || type === 'STRING' ? BYTES : VARINT
}

export function isList(value: Scalar | List): value is List {
  return isListType(value.type)
}

export function isListType(type: ValueType): type is ListType {
  return type.endsWith('_LIST')
}

export function itemTypeOf(type: ListType): ScalarType {
  return type.slice(0, -'_LIST'.length) as ScalarType
}
