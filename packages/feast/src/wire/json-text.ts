import { isList, type List, type Scalar, type Value } from './value.ts'

/** A value as Feast's server prints it: byte for byte Python's `json.dumps` without spaces. */
export function jsonValue(value: Value): string {
  if (value === null) return 'null'
  return isList(value) ? jsonList(value) : jsonScalar(value)
}

/**
 * A float as Python's `repr` writes it: always with a fraction or an exponent, because clients infer
 * types from the text. What JSON has no number for becomes text, as in protobuf's JSON.
 */
export function jsonFloat(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`
  const magnitude = Math.abs(value)
  if (magnitude >= 1e16 || (magnitude < 1e-4 && magnitude > 0)) return exponential(value)
  if (Object.is(value, -0)) return '-0.0'
  return Number.isInteger(value) ? `${value}.0` : String(value)
}

/** JavaScript and Python agree on the digits; Python pads the exponent to two. */
function exponential(value: number): string {
  const [digits, exponent = ''] = value.toExponential().split('e')
  const sign = exponent[0]
  return `${digits}e${sign}${exponent.slice(1).padStart(2, '0')}`
}

function jsonScalar({ type, value }: Scalar): string {
  switch (type) {
    case 'DOUBLE':
    case 'FLOAT':
      return jsonFloat(value)
    case 'STRING':
      return JSON.stringify(value)
    case 'BYTES':
      return `"${Buffer.from(value).toString('base64')}"`
    case 'INT32':
    case 'INT64':
    case 'UNIX_TIMESTAMP':
    case 'BOOL':
      return String(value)
  }
}

function jsonList(list: List): string {
  const type = list.type.slice(0, -'_LIST'.length)
  return `[${list.value.map((value) => jsonScalar({ type, value } as Scalar)).join(',')}]`
}
