import { BYTES, ProtoReader, ProtoWriter } from './protobuf.ts'
import { readScalar, wireTypeOf, writeScalar } from './value-scalars.ts'
import {
  type ItemSet,
  itemsOf,
  type List,
  type ScalarType,
  type ScalarTypes,
} from './value-types.ts'

/** The message of a list or set: repeated field 1, numbers packed. */
export function encodeItems(value: List | ItemSet): Buffer {
  const writer = new ProtoWriter()
  const items = itemsOf(value)
  const [first] = items
  if (first === undefined) return writer.bytes()
  if (wireTypeOf(first.type) === BYTES) {
    for (const item of items) writeScalar(writer.tag(1, BYTES), item)
    return writer.bytes()
  }
  const packed = new ProtoWriter()
  for (const item of items) writeScalar(packed, item)
  return writer.tag(1, BYTES).delimited(packed.bytes()).bytes()
}

/** Writers may pack numbers or not; a reader takes both. */
export function readItems(message: Buffer, item: ScalarType): ScalarTypes[ScalarType][] {
  const reader = new ProtoReader(message)
  const packable = wireTypeOf(item) !== BYTES
  const values: ScalarTypes[ScalarType][] = []
  while (!reader.done) {
    const wireType = reader.varint() & 7
    if (wireType === BYTES && packable) {
      const packed = new ProtoReader(reader.delimited())
      while (!packed.done) values.push(readScalar(packed, item).value)
    } else {
      values.push(readScalar(reader, item).value)
    }
  }
  return values
}
