import { type ScalarType, shapeOf, type ValueType } from '@usdcop/feast/wire/value-types'

/** A JSON value as what its Feast type is told as; undefined where it is none. */
export type ValueReader = (given: unknown) => unknown

/** Without a declared type a value is told as its JSON is. */
export function valueReader(type: ValueType | undefined): ValueReader {
  if (type === undefined) return (given) => given
  const shape = shapeOf(type)
  switch (shape.kind) {
    case 'scalar':
      return SCALARS[shape.type]
    case 'items':
      return listOf(SCALARS[shape.item])
    case 'nested':
      return nestedReader(shape.type)
  }
}

/** How Feast writes what JSON has no number for. */
const NOT_FINITE = new Map<unknown, number>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

const readText: ValueReader = (given) => (typeof given === 'string' ? given : undefined)

const readFloat: ValueReader = (given) => {
  if (typeof given === 'number') return Number.isFinite(given) ? given : undefined
  // A whole number of many digits, written without a point.
  return typeof given === 'bigint' ? Number(given) : NOT_FINITE.get(given)
}

const readInt32: ValueReader = (given) =>
  typeof given === 'number' && (given | 0) === given ? given : undefined

const readInt64: ValueReader = (given) => {
  if (typeof given === 'number') return Number.isSafeInteger(given) ? BigInt(given) : undefined
  return typeof given === 'bigint' && BigInt.asIntN(64, given) === given ? given : undefined
}

const readBytes: ValueReader = (given) => {
  if (typeof given !== 'string') return undefined
  const bytes = Buffer.from(given, 'base64')
  // Node passes over what is no base64; the way back shows it.
  return bytes.toString('base64') === given ? bytes : undefined
}

const SCALARS: Readonly<Record<ScalarType, ValueReader>> = {
  BYTES: readBytes,
  STRING: readText,
  INT32: readInt32,
  INT64: readInt64,
  DOUBLE: readFloat,
  FLOAT: readFloat,
  BOOL: (given) => (typeof given === 'boolean' ? given : undefined),
  UNIX_TIMESTAMP: readInt64,
  JSON: readText,
  UUID: readText,
  TIME_UUID: readText,
  DECIMAL: readText,
}

const readObject: ValueReader = (given) =>
  typeof given === 'object' && given !== null && !Array.isArray(given) ? given : undefined

function nestedReader(
  type: Extract<ReturnType<typeof shapeOf>, { kind: 'nested' }>['type'],
): ValueReader {
  switch (type) {
    case 'MAP':
    case 'STRUCT':
      return readObject
    case 'MAP_LIST':
    case 'STRUCT_LIST':
      return listOf(readObject)
    case 'VALUE_LIST':
    case 'VALUE_SET':
      return (given) => (Array.isArray(given) ? given : undefined)
    case 'ZONED_TIMESTAMP':
      return readText
    case 'SCALAR_MAP':
      // Feast's server prints none of it: only null is right.
      return () => undefined
  }
}

function listOf(item: ValueReader): ValueReader {
  return (given) => {
    if (!Array.isArray(given)) return undefined
    const items = given.map(item)
    return items.includes(undefined) ? undefined : items
  }
}
