import { parseInstant } from './instant.ts'
import {
  isListType,
  itemTypeOf,
  type Scalar,
  type ScalarType,
  type Value,
  type ValueType,
} from './value.ts'

/** A JSON value as one of Feast's types; null is null, undefined says that it is not one. */
export function convertValue(type: ValueType, given: unknown): Value | undefined {
  if (given === null) return null
  if (!isListType(type)) return convertScalar(type, given)
  if (!Array.isArray(given)) return undefined
  const items = given.map((item) => convertScalar(itemTypeOf(type), item)?.value)
  if (items.includes(undefined)) return undefined
  return { type, value: items } as Value
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
  }
}

/** A value in an error message, shortened: callers send anything. */
export function shown(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'undefined')
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

function asText(value: unknown): Scalar | undefined {
  if (typeof value === 'string') return { type: 'STRING', value }
  if (isNumber(value)) return { type: 'STRING', value: String(value) }
  if (typeof value === 'boolean') return { type: 'STRING', value: value ? 'True' : 'False' }
  return undefined
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

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}
