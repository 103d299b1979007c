import type { ValueType } from '@usdcop/feast/wire/value-types'
import { ServiceError } from '@usdcop/service/errors'
import { writeInstant } from './event-time.ts'
import type { PushSchema } from './schema.ts'
import type { Instant } from './value-types.ts'
import { writeValue } from './write-value.ts'

type Row = Readonly<Record<string, unknown>>

/** Columns of equal length by name, ready for `JSON.stringify`. */
export type Frame = Readonly<Record<string, readonly unknown[]>>

/**
 * Rows as the frame of columns that Feast takes. Without a schema the first row says which columns there
 * are; a row that lacks one is refused, because a null in its place would be written as one.
 * @throws ServiceError `invalid_request` naming the row and the column
 */
export function frameOf(rows: readonly Row[], schema: PushSchema | undefined): Frame {
  const columns = schema === undefined ? untyped(rows) : typed(rows, schema)
  return Object.fromEntries(
    columns.map(({ name, write }) => {
      const values = rows.map((row, index) => {
        const value = row[name]
        if (value !== undefined) return write(value)
        throw new ServiceError('invalid_request', `row ${index + 1} has no ${name}`)
      })
      return [name, values]
    }),
  )
}

interface Column {
  readonly name: string
  readonly write: (value: unknown) => unknown
}

function untyped(rows: readonly Row[]): Column[] {
  return Object.keys(rows[0] ?? {}).map((name) => valueColumn(name, undefined))
}

function typed(rows: readonly Row[], schema: PushSchema): Column[] {
  const { entities, features, timestampField, createdTimestampField: created } = schema
  const named = Object.entries({ ...entities, ...features })
  const isCreatedGiven = created !== undefined && rows[0]?.[created] !== undefined
  const times = isCreatedGiven ? [timestampField, created] : [timestampField]
  return [...named.map(([name, type]) => valueColumn(name, type)), ...times.map(timeColumn)]
}

function valueColumn(name: string, type: ValueType | undefined): Column {
  return { name, write: (value) => writeValue(value, type, name) }
}

function timeColumn(name: string): Column {
  return { name, write: (value) => writeInstant(value as Instant) }
}
