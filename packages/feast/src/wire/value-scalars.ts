import { BYTES, FIXED32, FIXED64, type ProtoReader, type ProtoWriter, VARINT } from './protobuf.ts'
import type { Scalar, ScalarType } from './value-types.ts'

/** Writes a scalar without its tag. */
export function writeScalar(writer: ProtoWriter, { type, value }: Scalar): void {
  switch (type) {
    case 'BYTES':
      writer.delimited(value)
      break
    case 'STRING':
    case 'JSON':
    case 'UUID':
    case 'TIME_UUID':
    case 'DECIMAL':
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

/** Reads a scalar behind its tag. */
export function readScalar(reader: ProtoReader, type: ScalarType): Scalar {
  switch (type) {
    case 'BYTES':
      return { type, value: Buffer.from(reader.delimited()) }
    case 'STRING':
    case 'JSON':
    case 'UUID':
    case 'TIME_UUID':
    case 'DECIMAL':
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

export function wireTypeOf(type: ScalarType): number {
  switch (type) {
    case 'DOUBLE':
      return FIXED64
    case 'FLOAT':
      return FIXED32
    case 'INT32':
    case 'INT64':
    case 'UNIX_TIMESTAMP':
    case 'BOOL':
      return VARINT
    case 'BYTES':
    case 'STRING':
    case 'JSON':
    case 'UUID':
    case 'TIME_UUID':
    case 'DECIMAL':
      return BYTES
  }
}
