import type { DuckDBConnection } from '@duckdb/node-api'
import type { BatchSource, FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import { entitiesOf } from '@usdcop/feast/registry/registry'
import type { ValueType } from '@usdcop/feast/wire/value'
import { ServiceError } from '@usdcop/service/errors'
import { quoteName } from '../parquet.ts'

/** A join key or a feature, and the expression that reads it from the source. */
export interface TypedColumn {
  readonly name: string
  readonly valueType: ValueType
  readonly sql: string
}

export interface SourceColumns {
  readonly keys: readonly TypedColumn[]
  readonly features: readonly TypedColumn[]
  /** Epoch microseconds of the event. */
  readonly time: string
  /** What orders the rows of one instant. */
  readonly created: string | undefined
}

/**
 * The columns of a view in its source, under the names they have there.
 * @throws ServiceError `invalid_request` for a column that is missing or of another kind,
 *   `not_supported` for a type that is not read from Parquet
 */
export async function sourceColumns(
  connection: DuckDBConnection,
  table: string,
  registry: Registry,
  view: FeatureView,
  source: BatchSource,
): Promise<SourceColumns> {
  const described = await connection.runAndReadAll(`describe select * from ${table}`)
  const types = new Map(described.getRows().map(([name, type]) => [String(name), String(type)]))
  const original = new Map(
    Object.entries(source.fieldMapping ?? {}).map(([from, to]) => [to, from]),
  )
  const find = (name: string): { readonly sql: string; readonly type: string } => {
    const column = original.get(name) ?? name
    const type = types.get(column)
    if (type === undefined)
      throw new ServiceError(
        'invalid_request',
        `The source of feature view ${view.name} has no column '${column}'`,
      )
    return { sql: quoteName(column), type }
  }
  const typed = (name: string, valueType: ValueType): TypedColumn => {
    const column = find(name)
    const sql = valueSql(valueType, column)
    if (sql === undefined)
      throw new ServiceError(
        'not_supported',
        `Feature view ${view.name} has '${name}' as ${valueType}, and its source as ` +
          `${column.type}, which cannot be materialized here`,
      )
    return { name, valueType, sql }
  }
  const instant = (name: string): string => {
    const column = find(name)
    if (isInstant(column.type)) return microseconds(column.sql)
    throw new ServiceError(
      'invalid_request',
      `The source of feature view ${view.name} has '${name}' as ${column.type}: no time`,
    )
  }
  return {
    keys: entitiesOf(registry, view).map(({ joinKey, valueType }) => typed(joinKey, valueType)),
    features: view.features.map(({ name, valueType }) => typed(name, valueType)),
    time: instant(source.timestampField),
    created: source.createdTimestampField && instant(source.createdTimestampField),
  }
}

interface Column {
  readonly sql: string
  readonly type: string
}

/** An expression of the type that `toValue` takes; undefined where the column cannot be one. */
function valueSql(valueType: ValueType, column: Column): string | undefined {
  const item = valueType.replace(/_(?:LIST|SET)$/, '')
  if (item === valueType) return scalarSql(valueType, column)
  if (!column.type.endsWith(']')) return undefined
  const inner = scalarSql(item, { sql: 'item', type: column.type.replace(/\[\d*\]$/, '') })
  return inner && `list_transform(${column.sql}, lambda item : ${inner})`
}

function scalarSql(type: string, { sql, type: stored }: Column): string | undefined {
  switch (type) {
    case 'INT32':
    case 'INT64':
      return isNumber(stored) || stored === 'BOOLEAN' ? integer(sql, stored) : undefined
    case 'UNIX_TIMESTAMP':
      if (isInstant(stored)) return `floor(${microseconds(sql)} / 1e6)::bigint`
      return isNumber(stored) ? integer(sql, stored) : undefined
    case 'FLOAT':
    case 'DOUBLE':
      return isNumber(stored) ? `${sql}::double` : undefined
    case 'BOOL':
      return stored === 'BOOLEAN' ? sql : undefined
    case 'BYTES':
      return stored === 'BLOB' ? sql : undefined
    case 'STRING':
    case 'JSON':
      return stored === 'VARCHAR' || stored === 'JSON' ? `${sql}::varchar` : undefined
    case 'UUID':
    case 'TIME_UUID':
      return stored === 'VARCHAR' || stored === 'UUID' ? `${sql}::varchar` : undefined
    case 'DECIMAL':
      return stored === 'VARCHAR' || stored.startsWith('DECIMAL') ? `${sql}::varchar` : undefined
    default:
      return undefined
  }
}

/** pandas keeps integers with nulls as floats, where a NaN is the null. */
function integer(sql: string, stored: string): string {
  if (stored !== 'DOUBLE' && stored !== 'FLOAT') return `${sql}::bigint`
  return `case when isnan(${sql}) then null else trunc(${sql})::bigint end`
}

/** An instant without a zone is UTC, and DuckDB counts both kinds alike. */
function microseconds(sql: string): string {
  return `epoch_us(${sql})`
}

function isInstant(type: string): boolean {
  return type.startsWith('TIMESTAMP') || type === 'DATE'
}

function isNumber(type: string): boolean {
  return /^(?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/.test(type)
}
