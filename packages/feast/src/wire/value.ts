import { ServiceError } from '@usdcop/service/errors'
import { BYTES, ProtoReader, ProtoWriter } from './protobuf.ts'
import { encodeItems, readItems } from './value-lists.ts'
import { encodeNested, readNested } from './value-nested.ts'
import { readScalar, wireTypeOf, writeScalar } from './value-scalars.ts'
import {
  FIELD_OF,
  type ItemSet,
  isItems,
  isScalar,
  type List,
  shapeOfField,
  type Value,
} from './value-types.ts'

export type { Scalar, ScalarType, Value, ValueType } from './value-types.ts'

const NULL_FIELD = 19
const NULL_BYTES = Buffer.alloc(0)

/** The bytes Feast stores for a value; a null is the empty string, as Feast writes it. */
export function encodeValue(value: Value): Buffer {
  if (value === null) return NULL_BYTES
  const writer = new ProtoWriter()
  const field = FIELD_OF[value.type]
  if (isScalar(value)) {
    writeScalar(writer.tag(field, wireTypeOf(value.type)), value)
    return writer.bytes()
  }
  const message = isItems(value) ? encodeItems(value) : encodeNested(value, encodeValue)
  return writer.tag(field, BYTES).delimited(message).bytes()
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
    return readValue(bytes)
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new ServiceError('internal', 'a stored value is not a Value message', { cause })
    throw cause
  }
}

/** Protobuf's rule for a oneof: the last field written is the value. */
function readValue(bytes: Buffer): Value {
  const reader = new ProtoReader(bytes)
  let value: Value = null
  while (!reader.done) {
    const tag = reader.varint()
    const field = tag >>> 3
    const shape = shapeOfField(field)
    if (shape?.kind === 'scalar') value = readScalar(reader, shape.type)
    else if (shape?.kind === 'items')
      value = {
        type: shape.type,
        value: readItems(reader.delimited(), shape.item),
      } as List | ItemSet
    else if (shape?.kind === 'nested') value = readNested(shape.type, reader.delimited(), readValue)
    else if (field === NULL_FIELD) {
      reader.skip(tag & 7)
      value = null
    } else
      throw new ServiceError('internal', `a stored value has the unsupported Value field ${field}`)
  }
  return value
}
