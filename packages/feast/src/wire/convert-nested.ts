import { parseInstant } from './instant.ts'
import { MAX_DEPTH } from './python-json.ts'
import type { Nested, Scalar, ScalarType, Value, ValueMap, ZonedInstant } from './value-types.ts'

/**
 * JSON as a value that holds values. What is inside has no declared type: as in Feast, text, numbers,
 * booleans and lists of one kind become the types that Python's own would be stored as.
 */
export function convertNested(type: Nested['type'], given: unknown): Nested | undefined {
  switch (type) {
    case 'MAP':
    case 'STRUCT': {
      const value = mapOf(given, 0)
      return value && { type, value }
    }
    case 'MAP_LIST':
    case 'STRUCT_LIST': {
      const value = mapsOf(fromText(given), 0)
      return value && { type, value }
    }
    case 'VALUE_LIST':
    case 'VALUE_SET': {
      const value = Array.isArray(given) ? collectionsOf(given, 0) : undefined
      return value && { type, value }
    }
    case 'ZONED_TIMESTAMP': {
      const value = typeof given === 'string' ? zonedOf(given) : undefined
      return value && { type, value }
    }
    case 'SCALAR_MAP':
      // Its keys are no text, and JSON has no other keys.
      return undefined
  }
}

/** Feast's remote client sends maps as JSON text, in which a float is told by its point. */
function fromText(given: unknown): unknown {
  if (typeof given !== 'string') return given
  try {
    return JSON.parse(given, keepIntegers) as unknown
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Integers of a text come back as bigint; what stays a number was written with a point. */
function keepIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source)
    ? BigInt(source)
    : typeof value === 'number'
      ? new Float(value)
      : value
}

class Float {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

function mapOf(given: unknown, depth: number): ValueMap | undefined {
  const object = fromText(given)
  if (!isObject(object) || depth > MAX_DEPTH) return undefined
  const map = new Map<string, Value>()
  for (const [key, item] of Object.entries(object)) {
    const value = valueOf(item, depth + 1)
    if (value === undefined || !key.isWellFormed()) return undefined
    map.set(key, value)
  }
  return map
}

function mapsOf(given: unknown, depth: number): readonly ValueMap[] | undefined {
  if (!Array.isArray(given)) return undefined
  const maps = given.map((item) => mapOf(item, depth))
  return maps.includes(undefined) ? undefined : (maps as ValueMap[])
}

function valueOf(given: unknown, depth: number): Value | undefined {
  if (depth > MAX_DEPTH) return undefined
  if (given === null) return null
  if (Array.isArray(given)) return listOf(given, depth)
  if (isObject(given)) {
    const value = mapOf(given, depth)
    return value && { type: 'MAP', value }
  }
  return scalarOf(given)
}

function listOf(given: readonly unknown[], depth: number): Value | undefined {
  if (given.some(isObject)) {
    const value = mapsOf(given, depth + 1)
    return value && { type: 'MAP_LIST', value }
  }
  if (given.length === 0 || given.some((item) => Array.isArray(item))) {
    const value = collectionsOf(given, depth + 1)
    return value && { type: 'VALUE_LIST', value }
  }
  return itemsOf(given)
}

/** The members of a nested list; an empty one is stored as a null, as Feast does. */
function collectionsOf(given: readonly unknown[], depth: number): readonly Value[] | undefined {
  if (depth > MAX_DEPTH) return undefined
  const values = given.map((inner): Value | undefined => {
    if (inner === null) return null
    if (!Array.isArray(inner)) return undefined
    return inner.length === 0 ? null : listOf(inner, depth + 1)
  })
  return values.includes(undefined) ? undefined : (values as Value[])
}

/** Items of one kind; integers among floats are floats, as in Arrow. */
function itemsOf(given: readonly unknown[]): Value | undefined {
  const items = given.map(scalarOf)
  const types = new Set(items.map((item) => item?.type))
  if (types.has('DOUBLE') && types.has('INT64') && types.size === 2) {
    const value = items.map((item) => Number(item?.value))
    return { type: 'DOUBLE_LIST', value }
  }
  const [type] = types
  if (type === undefined || types.size > 1) return undefined
  return { type: `${type as ScalarType}_LIST`, value: items.map((item) => item?.value) } as Value
}

function scalarOf(given: unknown): Scalar | undefined {
  if (typeof given === 'string')
    return given.isWellFormed() ? { type: 'STRING', value: given } : undefined
  if (typeof given === 'boolean') return { type: 'BOOL', value: given }
  if (given instanceof Float) return { type: 'DOUBLE', value: given.value }
  if (typeof given === 'number' && !Number.isSafeInteger(given))
    return { type: 'DOUBLE', value: given }
  if (typeof given !== 'number' && typeof given !== 'bigint') return undefined
  const value = BigInt(given)
  return BigInt.asIntN(64, value) === value ? { type: 'INT64', value } : undefined
}

/** ISO text; its offset is kept as the zone. Feast itself takes no JSON for these. */
function zonedOf(text: string): ZonedInstant | undefined {
  const instant = parseInstant(text)
  if (instant === undefined) return undefined
  const zone = /(?<zone>Z|[+-]\d\d(?::?\d\d)?)$/i.exec(text.trim().replace(/^[\d-]{10}/, ''))
  return { seconds: BigInt(Math.floor(instant / 1_000)), zone: zoneNamed(zone?.groups?.['zone']) }
}

function zoneNamed(offset: string | undefined): string {
  if (offset === undefined) return ''
  if (offset.toUpperCase() === 'Z') return 'UTC'
  const digits = offset.slice(1).replace(':', '').padEnd(4, '0')
  return digits === '0000' ? 'UTC' : `UTC${offset[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Float)
  )
}
