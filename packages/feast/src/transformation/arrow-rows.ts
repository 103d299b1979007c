import { ServiceError } from '@usdcop/service/errors'
import {
  Binary,
  Bool,
  DataType,
  Field,
  Float64,
  Int64,
  List,
  Null,
  Table,
  TimestampMicrosecond,
  tableFromIPC,
  tableToIPC,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow'
import type { Feature, OnDemandRow, OnDemandView } from '../registry/definitions.ts'
import { convertValue } from '../wire/convert.ts'
import { type ScalarType, shapeOf, type Value, type ValueType } from '../wire/value-types.ts'

/**
 * Rows of inputs as an Arrow file. Columns have the types that Feast's own server makes of the same
 * values: every integer 64 bits wide, every float a double, a column of nulls alone without a type.
 * @throws ServiceError `not_supported` for a nested value
 */
export function toArrow(view: OnDemandView, rows: readonly OnDemandRow[]): Uint8Array {
  const names = sentNames(view, Object.keys(rows[0] ?? {}))
  const columns = names.map((name) => {
    const values = rows.map((row) => row[name] ?? null)
    const first = values.find((value) => value !== null)
    const type = first === undefined || first === null ? new Null() : arrowType(view, name, first)
    const given = values.map((value) => (value === null ? null : plain(value)))
    return [name, vectorFromArray(given, type)] as const
  })
  return tableToIPC(new Table(Object.fromEntries(columns)), 'file')
}

/**
 * The service adds each feature under its other name, `view__feature` or `feature`: what is here under
 * both would be there twice. The longer name is sent where the shorter one is that of two features.
 */
function sentNames({ projections }: OnDemandView, names: readonly string[]): string[] {
  const features = projections
    .flatMap(({ view, features: of }) =>
      of.map((feature) => ({ feature, full: `${view}__${feature}` })),
    )
    .filter(({ feature, full }) => names.includes(feature) && names.includes(full))
  const uses = Map.groupBy(features, ({ feature }) => feature)
  const dropped = new Set(
    features.map(({ feature, full }) => ((uses.get(feature)?.length ?? 0) > 1 ? feature : full)),
  )
  return names.filter((name) => !dropped.has(name))
}

type Given = NonNullable<Value>

function arrowType(view: OnDemandView, name: string, value: Given): DataType {
  const shape = shapeOf(value.type)
  if (shape.kind === 'scalar') return scalarType(shape.type)
  if (shape.kind === 'items') return new List(new Field('item', scalarType(shape.item), true))
  throw new ServiceError(
    'not_supported',
    `On demand feature view '${view.name}' takes ${name} as ${value.type}, which is not sent to a ` +
      'transformation service',
  )
}

function scalarType(type: ScalarType): DataType {
  switch (type) {
    case 'INT32':
    case 'INT64':
      return new Int64()
    case 'FLOAT':
    case 'DOUBLE':
      return new Float64()
    case 'BOOL':
      return new Bool()
    case 'BYTES':
      return new Binary()
    case 'UNIX_TIMESTAMP':
      return new TimestampMicrosecond('UTC')
    case 'STRING':
    case 'JSON':
    case 'UUID':
    case 'TIME_UUID':
    case 'DECIMAL':
      return new Utf8()
  }
}

function plain({ type, value }: Given): unknown {
  const shape = shapeOf(type)
  if (shape.kind === 'items')
    return (value as readonly unknown[]).map((each) => scalar(shape.item, each))
  return scalar(type, value)
}

function scalar(type: ValueType, value: unknown): unknown {
  if (type === 'INT32') return BigInt(value as number)
  // Milliseconds, of which the library makes the unit of the column.
  return type === 'UNIX_TIMESTAMP' ? Number(value) * 1_000 : value
}

/**
 * The rows that the service computed, each feature as the view declares it.
 * @throws ServiceError `transform_failed` where a feature or a row is missing, or a value is of another type
 */
export function fromArrow(
  view: OnDemandView,
  bytes: Uint8Array,
  rowCount: number,
): readonly OnDemandRow[] {
  const table = tableFromIPC(bytes)
  if (table.numRows !== rowCount) throw failed(view, `gave ${table.numRows} rows for ${rowCount}`)
  const columns = view.features.map((feature) => {
    const column = table.getChild(`${view.name}__${feature.name}`) ?? table.getChild(feature.name)
    if (column === null) throw failed(view, `gave no ${feature.name}`)
    return [feature, column] as const
  })
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries(
      columns.map(([feature, column]) => [
        feature.name,
        valueOf(view, feature, column.get(row), column.type),
      ]),
    ),
  )
}

function valueOf(
  view: OnDemandView,
  { name, valueType }: Feature,
  given: unknown,
  stored: DataType,
): Value {
  if (given === null || given === undefined) return null
  const shape = shapeOf(valueType)
  let value: Value | undefined
  if (shape.kind === 'items') {
    const items = given instanceof Vector ? [...given] : undefined
    const read = items?.map((each) => scalarOf(shape.item, each, itemType(stored))?.value)
    if (read !== undefined && !read.includes(undefined))
      value = { type: valueType, value: read } as Value
  } else if (shape.kind === 'scalar') value = scalarOf(shape.type, given, stored)
  if (value !== undefined) return value
  throw failed(view, `gave ${name} as something else than ${valueType}`)
}

function itemType(stored: DataType): DataType {
  return DataType.isList(stored) ? (stored.children[0]?.type ?? stored) : stored
}

/** As Feast converts what a view returned, which cuts a fraction off where an integer is declared. */
function scalarOf(
  type: ScalarType,
  given: unknown,
  stored: DataType,
): NonNullable<Value> | undefined {
  if (type === 'BYTES') return given instanceof Uint8Array ? { type, value: given } : undefined
  if (DataType.isTimestamp(stored))
    // The library reads instants of every unit as milliseconds.
    return type === 'UNIX_TIMESTAMP'
      ? { type, value: BigInt(Math.floor((given as number) / 1_000)) }
      : undefined
  const value = isInteger(type) && typeof given === 'number' ? Math.trunc(given) : given
  return convertValue(type, value) ?? undefined
}

function isInteger(type: ScalarType): boolean {
  return type === 'INT32' || type === 'INT64'
}

function failed({ name }: OnDemandView, what: string): ServiceError {
  return new ServiceError('transform_failed', `On demand feature view '${name}' ${what}`)
}
