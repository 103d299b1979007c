import { jsonFloat, jsonValue } from '../wire/json-text.ts'
import { formatTimestamp } from '../wire/timestamp.ts'
import { decodeValue } from '../wire/value.ts'

const START_BYTES = 65_536
/** A buffer that a huge reply has grown beyond this is not kept for the next one. */
const LONGEST_KEPT_BYTES = 1024 * 1024
/** Of all buffers that wait for a reply: room for 128 of the usual size, on their way out at once. */
const KEPT_BYTES = 8 * 1024 * 1024
/** Room for what one number or time takes. */
const SHORT_BYTES = 32
const DAY_MS = 86_400_000
const BILLION = 1_000_000_000
const QUOTE = 0x22
const ZERO = 0x30

/** JSON text put together as bytes in buffers that are used again and again. */
export class ReplyText {
  #buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES)
  readonly #free: Buffer[] = []
  #freeBytes = 0
  #at = 0
  #day = Number.NaN
  #dayText = ''

  get length(): number {
    return this.#at
  }

  /** Forgets what was written behind `length`. */
  cut(length: number): void {
    this.#at = length
  }

  /**
   * Hands out what was written and begins anew in another buffer, which `recycle` gives back: bytes that were
   * allocated outside the heap for each text would make V8 collect all of it now and then.
   */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at)
    const free = this.#free.pop()
    this.#freeBytes -= free?.length ?? 0
    this.#buffer = free ?? Buffer.allocUnsafeSlow(START_BYTES)
    this.#at = 0
    return taken
  }

  /** Takes back what `take` handed out, once nobody reads it any more: the next text is written over it. */
  recycle({ buffer }: Buffer): void {
    const { byteLength } = buffer
    if (byteLength > LONGEST_KEPT_BYTES || this.#freeBytes + byteLength > KEPT_BYTES) return
    this.#free.push(Buffer.from(buffer))
    this.#freeBytes += byteLength
  }

  byte(code: number): void {
    this.#reserve(1)
    this.#buffer[this.#at++] = code
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#at)
    this.#at += bytes.length
  }

  text(text: string): void {
    this.#reserve(text.length * 3)
    this.#at += this.#buffer.write(text, this.#at)
  }

  /** Writes again what already lies between two places. */
  again(start: number, end: number): void {
    this.#reserve(end - start)
    this.#buffer.copyWithin(this.#at, start, end)
    this.#at += end - start
  }

  /** An instant in quotes, as `formatTimestamp` prints it. */
  time(instantMs: number): void {
    const whole = Math.floor(instantMs)
    const micros = Math.round((instantMs - whole) * 1_000)
    const day = Math.floor(whole / DAY_MS)
    // Years before 1970 or of five digits are rare; whoever prints them right is asked.
    if (micros === 1_000 || day < 0 || day > 2_900_000) {
      this.text(`"${formatTimestamp(instantMs)}"`)
      return
    }
    if (day !== this.#day) {
      this.#day = day
      this.#dayText = `"${formatTimestamp(day * DAY_MS).slice(0, 11)}`
    }
    this.#reserve(SHORT_BYTES)
    this.#short(this.#dayText)
    const buffer = this.#buffer
    const ms = whole - day * DAY_MS
    const seconds = (ms / 1_000) | 0
    let at = twoDigits(buffer, this.#at, (seconds / 3_600) | 0)
    buffer[at++] = 0x3a
    at = twoDigits(buffer, at, ((seconds / 60) | 0) % 60)
    buffer[at++] = 0x3a
    at = twoDigits(buffer, at, seconds % 60)
    const fraction = ms - seconds * 1_000
    if (fraction > 0 || micros > 0) {
      buffer[at++] = 0x2e
      at = threeDigits(buffer, at, fraction)
      if (micros > 0) at = threeDigits(buffer, at, micros)
    }
    buffer[at++] = 0x5a
    buffer[at++] = QUOTE
    this.#at = at
  }

  /**
   * A stored `Value`, decoded where it lies, as `jsonValue(decodeValue(bytes))` prints it; the plain
   * scalars without making a value of them.
   * @returns false for a null
   */
  value(bytes: Buffer, start: number, end: number): boolean {
    if (start === end) {
      this.text('null')
      return false
    }
    switch (bytes[start] as number) {
      case 0x18: // int32
      case 0x20: // int64
      case 0x40: // unix_timestamp
        if (this.#integer(bytes, start + 1, end)) return true
        break
      case 0x29: // double
        if (end - start === 9) return this.#float(bytes.readDoubleLE(start + 1))
        break
      case 0x35: // float
        if (end - start === 5) return this.#float(bytes.readFloatLE(start + 1))
        break
      case 0x12: // string
        if (this.#string(bytes, start + 1, end)) return true
        break
    }
    const value = decodeValue(bytes.subarray(start, end))
    this.text(jsonValue(value))
    return value !== null
  }

  /** A varint below 2^49 that ends where the value does. */
  #integer(bytes: Buffer, start: number, end: number): boolean {
    const last = end - 1
    if (last < start || last - start > 6 || (bytes[last] as number) >= 0x80) return false
    let value = bytes[last] as number
    for (let at = last - 1; at >= start; at--) {
      const byte = bytes[at] as number
      if (byte < 0x80) return false
      value = value * 0x80 + (byte & 0x7f)
    }
    this.#reserve(SHORT_BYTES)
    if (value < BILLION) {
      this.#at = digits(this.#buffer, this.#at, value, countDigits(value))
      return true
    }
    // In halves that 32 bits hold.
    const high = Math.floor(value / BILLION)
    const at = digits(this.#buffer, this.#at, high, countDigits(high))
    this.#at = digits(this.#buffer, at, value - high * BILLION, 9)
    return true
  }

  #float(value: number): true {
    this.#reserve(SHORT_BYTES)
    this.#short(jsonFloat(value))
    return true
  }

  /** Text that JSON needs no escape for, and of one byte a letter. */
  #string(bytes: Buffer, start: number, end: number): boolean {
    const length = bytes[start] as number
    if (length >= 0x80 || start + 1 + length !== end) return false
    this.#reserve(length + 2)
    const buffer = this.#buffer
    let at = this.#at
    buffer[at++] = QUOTE
    for (let from = start + 1; from < end; from++) {
      const byte = bytes[from] as number
      if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === 0x5c) return false
      buffer[at++] = byte
    }
    buffer[at++] = QUOTE
    this.#at = at
    return true
  }

  /** ASCII for which there is room. */
  #short(text: string): void {
    const buffer = this.#buffer
    let at = this.#at
    for (let index = 0; index < text.length; index++) buffer[at++] = text.charCodeAt(index)
    this.#at = at
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#buffer.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#buffer.length, this.#at + count))
    this.#buffer.copy(grown, 0, 0, this.#at)
    this.#buffer = grown
  }
}

/** Of a whole number below a billion. */
function countDigits(value: number): number {
  let count = 1
  for (let limit = 10; value >= limit; limit *= 10) count++
  return count
}

/** A whole number below a billion in so many digits. */
function digits(buffer: Buffer, at: number, value: number, count: number): number {
  let left = value
  for (let place = at + count - 1; place >= at; place--) {
    const rest = (left / 10) | 0
    buffer[place] = ZERO + left - rest * 10
    left = rest
  }
  return at + count
}

function twoDigits(buffer: Buffer, at: number, value: number): number {
  const tens = (value / 10) | 0
  buffer[at] = ZERO + tens
  buffer[at + 1] = ZERO + value - tens * 10
  return at + 2
}

function threeDigits(buffer: Buffer, at: number, value: number): number {
  const hundreds = (value / 100) | 0
  buffer[at] = ZERO + hundreds
  return twoDigits(buffer, at + 1, value - hundreds * 100)
}
