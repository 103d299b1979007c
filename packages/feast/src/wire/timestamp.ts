import { ProtoReader, ProtoWriter, VARINT } from './protobuf.ts'

/**
 * Instants are epoch milliseconds whose fraction holds microseconds: all that a Python datetime, and
 * so Feast, can hold. A float64 keeps them exact to the microsecond until the year 2248.
 */
export interface TimestampParts {
  readonly seconds: number
  readonly nanos: number
}

/** Seconds rounded down and 0…999,999,000 nanoseconds, as `google.protobuf.Timestamp` splits an instant. */
export function timestampParts(instantMs: number): TimestampParts {
  // The fraction is taken off before it is scaled: scaled whole, an instant after 2109 loses its last microsecond.
  const whole = Math.floor(instantMs)
  const micros = Math.round((instantMs - whole) * 1_000)
  const seconds = Math.floor((whole * 1_000 + micros) / 1_000_000)
  return { seconds, nanos: ((whole - seconds * 1_000) * 1_000 + micros) * 1_000 }
}

/** The bytes of `google.protobuf.Timestamp`; zero fields are left out, as proto3 does. */
export function encodeTimestamp({ seconds, nanos }: TimestampParts): Buffer {
  const writer = new ProtoWriter()
  if (seconds !== 0) writer.tag(1, VARINT).int64(BigInt(seconds))
  if (nanos !== 0) writer.tag(2, VARINT).varint(nanos)
  return writer.bytes()
}

/** The instant of a `google.protobuf.Timestamp`, rounded to microseconds; empty bytes are the epoch. */
export function decodeTimestamp(bytes: Buffer): number {
  const reader = new ProtoReader(bytes)
  let seconds = 0
  let nanos = 0
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 0x08) seconds = Number(reader.int64())
    else if (tag === 0x10) nanos = Number(reader.int64())
    else reader.skip(tag & 7)
  }
  return (seconds * 1_000_000 + Math.round(nanos / 1_000)) / 1_000
}

/** The same of a message that lies inside a buffer; seconds and nanoseconds in that order are read in place. */
export function timestampAt(buffer: Buffer, start: number, end: number): number {
  let at = start
  let seconds = 0
  let nanos = 0
  for (let tag = 0x08; tag <= 0x10 && at < end; tag += 0x08) {
    if (buffer[at] !== tag) continue
    let value = 0
    let scale = 1
    let byte = 0x80
    // A negative one takes ten bytes.
    const limit = Math.min(end, at + 7)
    for (at++; byte >= 0x80 && at < limit; at++) {
      byte = buffer[at] as number
      value += (byte & 0x7f) * scale
      scale *= 0x80
    }
    if (byte >= 0x80) break
    if (tag === 0x08) seconds = value
    else nanos = value
  }
  if (at !== end) return decodeTimestamp(buffer.subarray(start, end))
  return (seconds * 1_000_000 + Math.round(nanos / 1_000)) / 1_000
}

/** RFC 3339 in UTC with 0, 3 or 6 fraction digits, the fewest that hold the instant. */
export function formatTimestamp(instantMs: number): string {
  const { seconds, nanos } = timestampParts(instantMs)
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19)
  if (nanos === 0) return `${whole}Z`
  const micros = String(nanos / 1000).padStart(6, '0')
  return `${whole}.${micros.endsWith('000') ? micros.slice(0, 3) : micros}Z`
}
