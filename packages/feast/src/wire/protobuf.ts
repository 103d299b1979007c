/** The few protobuf primitives Feast's messages need: varints, tags and length-delimited fields. */

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** Appends fields to a growing buffer; `bytes()` hands out what was written. */
export class ProtoWriter {
  #buffer = Buffer.allocUnsafe(64)
  #length = 0

  tag(field: number, wireType: number): this {
    return this.varint((field << 3) | wireType)
  }

  /** A non-negative integer below 2^53. */
  varint(value: number): this {
    this.#reserve(10)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  /** An int64 of any sign: a negative one takes ten bytes, as protobuf has it. */
  int64(value: bigint): this {
    this.#reserve(10)
    let rest = BigInt.asUintN(64, value)
    while (rest > 0x7fn) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.#buffer[this.#length++] = Number(rest)
    return this
  }

  double(value: number): this {
    this.#reserve(8)
    this.#length = this.#buffer.writeDoubleLE(value, this.#length)
    return this
  }

  float(value: number): this {
    this.#reserve(4)
    this.#length = this.#buffer.writeFloatLE(value, this.#length)
    return this
  }

  delimited(bytes: Uint8Array): this {
    this.varint(bytes.length)
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  bytes(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length))
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}

/** Reads fields in place; every method throws a RangeError past the end. */
export class ProtoReader {
  readonly #buffer: Buffer
  #position: number
  readonly #end: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer
    this.#position = start
    this.#end = end
  }

  get done(): boolean {
    return this.#position >= this.#end
  }

  /** Exact below 2^53: tags, lengths and positive int32 values. */
  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 0x80
    }
  }

  int64(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new RangeError('a varint is longer than ten bytes')
  }

  double(): number {
    return this.#buffer.readDoubleLE(this.#advance(8))
  }

  float(): number {
    return this.#buffer.readFloatLE(this.#advance(4))
  }

  /** A view of the field's bytes, not a copy. */
  delimited(): Buffer {
    const length = this.varint()
    const start = this.#advance(length)
    return this.#buffer.subarray(start, start + length)
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.int64()
    else if (wireType === FIXED64) this.#advance(8)
    else if (wireType === BYTES) this.delimited()
    else if (wireType === FIXED32) this.#advance(4)
    else throw new RangeError(`wire type ${wireType} is not supported`)
  }

  #byte(): number {
    return this.#buffer[this.#advance(1)] as number
  }

  #advance(count: number): number {
    const start = this.#position
    if (start + count > this.#end) throw new RangeError('a protobuf message ends too early')
    this.#position = start + count
    return start
  }
}
