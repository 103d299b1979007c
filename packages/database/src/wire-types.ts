/** What a value is in JavaScript, whichever driver read it: PostgreSQL's text to ours, by type oid. */
type Parse = (text: string) => unknown

const BYTEA = 17
const INT8 = 20
const DATE = 1082
const TIMESTAMP = 1114
const TIMESTAMPTZ = 1184

/** A number while it is exact, a bigint beyond. */
const int8: Parse = (text) => {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

const bytea: Parse = (text) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))

/** `2024-01-31 13:00:00.123+00`; sessions run in UTC. */
const instant: Parse = (text) => new Date(`${text.slice(0, 10)}T${text.slice(11).split('+')[0]}Z`)

/** A date stays `YYYY-MM-DD`: as a Date it would need a time zone it does not have. */
const date: Parse = (text) => text

export const PARSERS: ReadonlyMap<number, Parse> = new Map([
  [BYTEA, bytea],
  [INT8, int8],
  [DATE, date],
  [TIMESTAMP, instant],
  [TIMESTAMPTZ, instant],
])

/** A bytea parameter as text. */
export const byteaText = (value: Uint8Array): string =>
  `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`

/** Parameters both drivers encode alike: bytes become text, the rest is text or number already. */
export const wireParams = (params: readonly unknown[]): unknown[] =>
  params.map((value) => (value instanceof Uint8Array ? byteaText(value) : value))
