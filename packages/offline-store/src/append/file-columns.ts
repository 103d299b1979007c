import type { OfflineColumn } from '@usdcop/feast/registry/offline-writer'
import { ServiceError } from '@usdcop/service/errors'
import { type FileMetaData, parquetSchema, type SchemaTree } from 'hyparquet'
import { type Cell, cellsFor, type ToCell } from './cells.ts'

/** A column's values in the order and under the name that the file has. */
export interface FileColumn {
  readonly name: string
  readonly data: readonly Cell[]
}

/**
 * Columns of rows as those of a Parquet file.
 * @throws ServiceError `invalid_request` naming the columns of which either side has more, or the column
 *   that is of another kind in the file, or does not hold a value
 */
export function fileColumns(
  file: string,
  { schema }: Pick<FileMetaData, 'schema'>,
  columns: readonly OfflineColumn[],
): readonly FileColumn[] {
  const given = new Map(columns.map((column) => [column.name, column]))
  const fields = parquetSchema({ schema }).children
  const missing = fields.map(nameOf).filter((name) => !given.has(name))
  const extra = [...given.keys()].filter((name) => !fields.some((field) => nameOf(field) === name))
  if (missing.length > 0 || extra.length > 0)
    throw new ServiceError(
      'invalid_request',
      'The input dataframe columns do not match the batch source columns. ' +
        `missing_expected_columns: [${missing.join(', ')}], ` +
        `extra_unexpected_columns: [${extra.join(', ')}].`,
    )
  return fields.map((field) => {
    const name = nameOf(field)
    const column = given.get(name) as OfflineColumn
    const toCell = columnCells(column.valueType, field)
    if (toCell === undefined)
      throw new ServiceError(
        'invalid_request',
        `Column '${name}' is ${column.valueType} here and of another kind in ${file}: ${shown(field)}`,
      )
    return { name, data: cellsOf(file, column, field, toCell) }
  })
}

const nameOf = ({ element }: SchemaTree): string => element.name

function cellsOf(
  file: string,
  { name, values }: OfflineColumn,
  field: SchemaTree,
  toCell: ToCell,
): readonly Cell[] {
  return values.map((value) => {
    const cell =
      value === null ? nullIn(field) : toCell(typeof value === 'object' ? value.value : value)
    if (cell !== undefined) return cell
    throw new ServiceError(
      'invalid_request',
      `Column '${name}' of ${file}, ${shown(field)}, cannot hold a value of the frame exactly`,
    )
  })
}

function nullIn({ element }: SchemaTree): null | undefined {
  return element.repetition_type === 'REQUIRED' ? undefined : null
}

function columnCells(valueType: OfflineColumn['valueType'], field: SchemaTree): ToCell | undefined {
  const item = valueType.replace(/_(?:LIST|SET)$/, '') as OfflineColumn['valueType']
  if (item === valueType)
    return field.children.length === 0 ? cellsFor(valueType, field.element) : undefined
  const leaf = itemOf(field)
  const toItem = leaf && cellsFor(item, leaf.element)
  if (toItem === undefined) return undefined
  return (values) => {
    const cells = (values as readonly unknown[]).map(toItem)
    return cells.includes(undefined) ? undefined : (cells as Cell[])
  }
}

/** The items of a list as Parquet lays it out: a group of one repeated group of one column. */
function itemOf({ element, children }: SchemaTree): SchemaTree | undefined {
  const [repeated] = children
  const isList = element.converted_type === 'LIST' || element.logical_type?.type === 'LIST'
  if (!isList || repeated?.children.length !== 1) return undefined
  const [leaf] = repeated.children
  return leaf?.children.length === 0 ? leaf : undefined
}

function shown({ element, children }: SchemaTree): string {
  const { type, converted_type: converted, logical_type: logical } = element
  const leaf = logical?.type ?? converted ?? type ?? 'a group'
  return children.length > 0 ? `${leaf} of columns` : leaf
}
