/**
 * Values as the text PostgreSQL reads, built here so that PGlite and pg send the same bytes. Both
 * drivers write −0 as `0`; a served feature must equal the stored one bit for bit.
 */
const float = (value: number | null): string => {
  if (value === null) return 'NULL'
  return Object.is(value, -0) ? '-0' : String(value)
}

/** A nullable float8 parameter; −0, NaN and the infinities survive. */
export const float8 = (value: number | null): string | null =>
  value === null ? null : float(value)

/** A float8[] parameter. */
export const float8Array = (values: Iterable<number | null>): string =>
  `{${Array.from(values, float).join(',')}}`

/** An int8[] or int4[] parameter. */
export const intArray = (values: Iterable<number | null>): string =>
  `{${Array.from(values, (value) => value ?? 'NULL').join(',')}}`

const quoted = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`

/** A text[] parameter. */
export const textArray = (values: Iterable<string | null>): string =>
  `{${Array.from(values, (value) => (value === null ? 'NULL' : quoted(value))).join(',')}}`

/** A bytea[] parameter: the memory of typed arrays. */
export const bytesArray = (values: Iterable<ArrayBufferView>): string =>
  `{${Array.from(values, (value) => `"\\\\x${hex(value)}"`).join(',')}}`

const hex = ({ buffer, byteOffset, byteLength }: ArrayBufferView): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('hex')
