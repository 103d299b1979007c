import {
  isItems,
  isScalar,
  itemsOf,
  type Nested,
  type Scalar,
  type Value,
  type ValueMap,
} from './value-types.ts'
import { zonedText } from './zoned-text.ts'

/** A value as Feast's server prints it: byte for byte Python's `json.dumps` without spaces. */
export function jsonValue(value: Value): string {
  if (value === null) return 'null'
  if (isScalar(value)) return jsonScalar(value)
  return isItems(value) ? jsonList(itemsOf(value), jsonScalar) : jsonNested(value)
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
    case 'JSON':
    case 'UUID':
    case 'TIME_UUID':
    case 'DECIMAL':
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

function jsonNested(nested: Nested): string {
  switch (nested.type) {
    case 'MAP':
    case 'STRUCT':
      return jsonMap(nested.value)
    case 'MAP_LIST':
    case 'STRUCT_LIST':
      return jsonList(nested.value, jsonMap)
    case 'VALUE_LIST':
    case 'VALUE_SET':
      return jsonList(nested.value, jsonValue)
    case 'SCALAR_MAP':
      // JSON has only text for keys, and Feast's server prints none of it.
      return 'null'
    case 'ZONED_TIMESTAMP': {
      const text = zonedText(nested.value)
      return text === null ? 'null' : JSON.stringify(text)
    }
  }
}

function jsonMap(map: ValueMap): string {
  const fields = [...map].map(([key, value]) => `${JSON.stringify(key)}:${jsonValue(value)}`)
  return `{${fields.join(',')}}`
}

function jsonList<T>(items: readonly T[], text: (item: T) => string): string {
  return `[${items.map(text).join(',')}]`
}
