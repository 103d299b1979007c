import { BYTES, ProtoReader, ProtoWriter, VARINT } from './protobuf.ts'
import { readScalar, wireTypeOf, writeScalar } from './value-scalars.ts'
import type {
  Nested,
  Scalar,
  ScalarMap,
  ScalarType,
  Value,
  ValueMap,
  ZonedInstant,
} from './value-types.ts'

/** How the values inside are written and read: by whoever knows all types. */
export type Encode = (value: Value) => Buffer
export type Read = (bytes: Buffer) => Value

/** The fields of a `MapKey`, by number. */
const KEY_TYPES: readonly (ScalarType | undefined)[] = [
  undefined,
  'INT32',
  'INT64',
  'FLOAT',
  'DOUBLE',
  'BOOL',
  'UNIX_TIMESTAMP',
  'BYTES',
  'UUID',
  'TIME_UUID',
  'DECIMAL',
]

/** The message of a value that holds other values, or a zone. */
export function encodeNested(nested: Nested, encode: Encode): Buffer {
  switch (nested.type) {
    case 'MAP':
    case 'STRUCT':
      return encodeMap(nested.value, encode)
    case 'MAP_LIST':
    case 'STRUCT_LIST':
      return repeated(nested.value, (map) => encodeMap(map, encode))
    case 'VALUE_LIST':
    case 'VALUE_SET':
      return repeated(nested.value, encode)
    case 'SCALAR_MAP':
      return repeated(nested.value, ({ key, value }) => pair(encodeKey(key), encode(value)))
    case 'ZONED_TIMESTAMP':
      return encodeZoned(nested.value)
  }
}

export function readNested(type: Nested['type'], message: Buffer, read: Read): Nested {
  switch (type) {
    case 'MAP':
    case 'STRUCT':
      return { type, value: readMap(message, read) }
    case 'MAP_LIST':
    case 'STRUCT_LIST':
      return { type, value: messagesOf(message).map((map) => readMap(map, read)) }
    case 'VALUE_LIST':
    case 'VALUE_SET':
      return { type, value: messagesOf(message).map(read) }
    case 'SCALAR_MAP':
      return { type, value: readScalarMap(message, read) }
    case 'ZONED_TIMESTAMP':
      return { type, value: readZoned(message) }
  }
}

function encodeMap(map: ValueMap, encode: Encode): Buffer {
  return repeated([...map], ([key, value]) => pair(Buffer.from(key, 'utf8'), encode(value)))
}

function readMap(message: Buffer, read: Read): ValueMap {
  return new Map(
    messagesOf(message).map((entry) => {
      const { key, value } = readPair(entry)
      return [key.toString('utf8'), read(value)]
    }),
  )
}

function readScalarMap(message: Buffer, read: Read): ScalarMap {
  return messagesOf(message).map((entry) => {
    const { key, value } = readPair(entry)
    return { key: readKey(key), value: read(value) }
  })
}

function encodeKey(key: Scalar | null): Buffer {
  const writer = new ProtoWriter()
  if (key === null) return writer.bytes()
  const field = KEY_TYPES.indexOf(key.type)
  if (field < 0) throw new RangeError(`a scalar map has no keys of type ${key.type}`)
  writeScalar(writer.tag(field, wireTypeOf(key.type)), key)
  return writer.bytes()
}

function readKey(message: Buffer): Scalar | null {
  const reader = new ProtoReader(message)
  let key: Scalar | null = null
  while (!reader.done) {
    const tag = reader.varint()
    const type = KEY_TYPES[tag >>> 3]
    if (type === undefined) reader.skip(tag & 7)
    else key = readScalar(reader, type)
  }
  return key
}

function encodeZoned({ seconds, zone }: ZonedInstant): Buffer {
  const writer = new ProtoWriter()
  if (seconds !== 0n) writer.tag(1, VARINT).int64(seconds)
  if (zone !== '') writer.tag(2, BYTES).delimited(Buffer.from(zone, 'utf8'))
  return writer.bytes()
}

function readZoned(message: Buffer): ZonedInstant {
  const reader = new ProtoReader(message)
  let seconds = 0n
  let zone = ''
  while (!reader.done) {
    const tag = reader.varint()
    if (tag >>> 3 === 1) seconds = reader.int64()
    else if (tag >>> 3 === 2) zone = reader.delimited().toString('utf8')
    else reader.skip(tag & 7)
  }
  return { seconds, zone }
}

function repeated<T>(items: readonly T[], encode: (item: T) => Buffer): Buffer {
  const writer = new ProtoWriter()
  for (const item of items) writer.tag(1, BYTES).delimited(encode(item))
  return writer.bytes()
}

/** Protobuf writes both halves of a map's entry, empty or not. */
function pair(key: Buffer, value: Buffer): Buffer {
  return new ProtoWriter().tag(1, BYTES).delimited(key).tag(2, BYTES).delimited(value).bytes()
}

function readPair(entry: Buffer): { key: Buffer; value: Buffer } {
  const reader = new ProtoReader(entry)
  let key: Buffer = Buffer.alloc(0)
  let value: Buffer = Buffer.alloc(0)
  while (!reader.done) {
    const tag = reader.varint()
    if (tag >>> 3 === 1) key = reader.delimited()
    else if (tag >>> 3 === 2) value = reader.delimited()
    else reader.skip(tag & 7)
  }
  return { key, value }
}

function messagesOf(message: Buffer): Buffer[] {
  const reader = new ProtoReader(message)
  const found: Buffer[] = []
  while (!reader.done) {
    const tag = reader.varint()
    if (tag >>> 3 === 1) found.push(reader.delimited())
    else reader.skip(tag & 7)
  }
  return found
}
