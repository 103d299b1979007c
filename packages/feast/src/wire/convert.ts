import { convertNested } from './convert-nested.ts'
import { parseInstant } from './instant.ts'
import { pythonJson } from './python-json.ts'
import { type Scalar, type ScalarType, shapeOf, type Value, type ValueType } from './value-types.ts'

/** A JSON value as one of Feast's types; null is null, undefined says that it is not one. */
export function convertValue(type: ValueType, given: unknown): Value | undefined {
  if (given === null) return null
  const shape = shapeOf(type)
  if (shape.kind === 'scalar') return convertScalar(shape.type, given)
  if (shape.kind === 'nested') return convertNested(shape.type, given)
  if (!Array.isArray(given)) return undefined
  const items = given.map((item) => convertItem(shape.item, item)?.value)
  if (items.includes(undefined)) return undefined
  return { type, value: type.endsWith('_SET') ? [...new Set(items)] : items } as Value
}

/**
 * Converts as Python's str() and int() do, which Feast applies to what a caller sends, but never
 * loses a fraction on the way. JSON has no bytes, and Feast takes no text for them either.
 */
export function convertScalar(type: ScalarType, given: unknown): Scalar | undefined {
  switch (type) {
    case 'STRING':
      return asText(given)
    case 'INT32':
    case 'INT64':
      return asInteger(type, integerOf(given))
    case 'UNIX_TIMESTAMP':
      return asInteger(type, integerOf(given) ?? secondsOf(given))
    case 'DOUBLE':
      return isNumber(given) ? { type, value: Number(given) } : undefined
    case 'FLOAT':
      return isNumber(given) ? { type, value: Math.fround(Number(given)) } : undefined
    case 'BOOL':
      return typeof given === 'boolean' ? { type, value: given } : undefined
    case 'BYTES':
      return undefined
    case 'JSON':
      return asJson(given)
    case 'UUID':
    case 'TIME_UUID':
      return typeof given === 'string' && isUuid(given) ? { type, value: given } : undefined
    case 'DECIMAL':
      return typeof given === 'string' && isDecimal(given) ? { type, value: given } : undefined
  }
}

/** A value in an error message, shortened: callers send anything. */
export function shown(value: unknown): string {
  const text =
    typeof value === 'bigint' ? String(value) : (JSON.stringify(value, bigText) ?? 'undefined')
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

function bigText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** A list has no place for a null: Feast stores an empty text, a false and, after pandas, a NaN for it. */
function convertItem(type: ScalarType, item: unknown): Scalar | undefined {
  if (item !== null) return convertScalar(type, item)
  if (type === 'STRING') return { type, value: '' }
  if (type === 'BOOL') return { type, value: false }
  return type === 'DOUBLE' || type === 'FLOAT' ? { type, value: Number.NaN } : undefined
}

function asText(value: unknown): Scalar | undefined {
  if (typeof value === 'string') return { type: 'STRING', value }
  if (isNumber(value)) return { type: 'STRING', value: String(value) }
  if (typeof value === 'boolean') return { type: 'STRING', value: value ? 'True' : 'False' }
  return undefined
}

/** Text must be JSON already and is kept letter by letter; anything else is written as Python does. */
function asJson(value: unknown): Scalar | undefined {
  if (typeof value !== 'string') {
    const text = pythonJson(value)
    return text === undefined ? undefined : { type: 'JSON', value: text }
  }
  try {
    JSON.parse(value)
    return { type: 'JSON', value }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function asInteger(
  type: 'INT32' | 'INT64' | 'UNIX_TIMESTAMP',
  value: bigint | undefined,
): Scalar | undefined {
  const bits = type === 'INT32' ? 32 : 64
  if (value === undefined || BigInt.asIntN(bits, value) !== value) return undefined
  return type === 'INT32' ? { type, value: Number(value) } : { type, value }
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string' || !/^\s*[+-]?\d+\s*$/.test(value)) return undefined
  return BigInt(value.trim().replace('+', ''))
}

function secondsOf(value: unknown): bigint | undefined {
  const instant = typeof value === 'string' ? parseInstant(value) : undefined
  return instant === undefined ? undefined : BigInt(Math.floor(instant / 1_000))
}

/** What Python's `uuid.UUID` reads; Feast's client fails on anything else when it reads it back. */
function isUuid(text: string): boolean {
  return /^[0-9a-f]{32}$/i.test(
    text.replace('urn:', '').replace('uuid:', '').replaceAll(/[{}-]/g, ''),
  )
}

/** What Python's `decimal.Decimal` reads. */
function isDecimal(text: string): boolean {
  return /^\s*[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf(?:inity)?|s?nan\d*)\s*$/i.test(text)
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}
