import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type RowGroup,
  type SchemaElement,
} from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { Cell } from './cells.ts'
import type { FileColumn } from './file-columns.ts'

/** A Parquet file that is there: everything but its rows. */
export interface ParquetFile {
  readonly buffer: AsyncBuffer
  readonly metadata: FileMetaData
}

/** What takes the place of a file's end. */
export interface Tail {
  /** What stands before it stays as it is, bytes. */
  readonly from: number
  readonly bytes: Uint8Array
}

/** Rows are added to a last group smaller than that: a group a push would make a file all footer. */
const FULL_GROUP_ROWS = 10_000
const MOST_GROUP_ROWS = 100_000

/** What is read is written again: bytes stay bytes, and instants numbers in the unit of their column. */
const AS_STORED = {
  stringFromBytes: same,
  timestampFromMilliseconds: same,
  timestampFromMicroseconds: same,
  timestampFromNanoseconds: same,
  dateFromDays: same,
  uuidFromBytes: same,
}

function same<T>(value: T): T {
  return value
}

const compressors = {
  GZIP: (input: Uint8Array) => gunzipSync(input),
  ZSTD: (input: Uint8Array) => zstdDecompressSync(input),
  BROTLI: (input: Uint8Array) => brotliDecompressSync(input),
}
/** What the writer compresses with by itself; other files get uncompressed groups. */
const WRITTEN_CODECS: readonly string[] = ['SNAPPY', 'UNCOMPRESSED']
const READ_CODECS: readonly string[] = [...WRITTEN_CODECS, ...Object.keys(compressors)]

/** Throws what the library throws of a file that is no Parquet. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const buffer = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(buffer, { parsers: AS_STORED, geoparquet: false })
  return { buffer, metadata: { ...metadata, schema: metadata.schema.map(writable) } }
}

/** A file of its own, of the schema that another has. */
export function wholeFile({ metadata }: ParquetFile, columns: readonly FileColumn[]): Uint8Array {
  const writer = new ByteWriter()
  const file = writerOf(writer, metadata)
  addGroup(file, columns)
  return finished(file, writer)
}

/**
 * The end of a file that has more rows: a further row group, or the last one anew with them, and the
 * footer. All other groups keep their place, so that no row of theirs is read.
 */
export async function grownTail(file: ParquetFile, columns: readonly FileColumn[]): Promise<Tail> {
  const { metadata, buffer } = file
  const last = lastToGrow(metadata, columns[0]?.data.length ?? 0)
  const kept = last === undefined ? metadata.row_groups : metadata.row_groups.slice(0, -1)
  const footerAt = buffer.byteLength - 8 - metadata.metadata_length
  const from = last === undefined ? footerAt : startOf(last)
  const before = last === undefined ? [] : await rowsOfLast(file, last)

  const writer = new ByteWriter()
  const grown = writerOf(writer, metadata)
  // What the constructor wrote is the head of a new file.
  Object.assign(writer, { index: 0, offset: from })
  const inexact = new Set(metadata.schema.filter(isWideDecimal).map(({ name }) => name))
  grown.row_groups.push(...kept.map((group) => keptGroup(group, inexact)))
  grown.num_rows = kept.reduce((rows, group) => rows + group.num_rows, 0n)
  addGroup(
    grown,
    columns.map(({ name, data }) => {
      const stored = before.map((row) => row[name] as Cell)
      return { name, data: [...stored, ...data] }
    }),
  )
  return { from, bytes: finished(grown, writer) }
}

function writerOf(writer: ByteWriter, metadata: FileMetaData): ParquetWriter {
  const codec = metadata.row_groups.at(-1)?.columns[0]?.meta_data?.codec ?? 'SNAPPY'
  return new ParquetWriter({
    writer,
    schema: metadata.schema,
    codec: WRITTEN_CODECS.includes(codec) ? codec : 'UNCOMPRESSED',
    ...(metadata.key_value_metadata !== undefined && { kvMetadata: metadata.key_value_metadata }),
    ...(metadata.created_by !== undefined && { createdBy: metadata.created_by }),
    // Those of the groups that stay are written as they were read.
    statisticsTruncateLength: Number.POSITIVE_INFINITY,
  })
}

function addGroup(file: ParquetWriter, columns: readonly FileColumn[]): void {
  const columnData = columns.map(({ name, data }) => ({
    name,
    data: [...data],
    offsetIndex: false,
  }))
  // A writer in memory has nothing to wait for.
  void file.write({ columnData, rowGroupSize: MOST_GROUP_ROWS })
}

function finished(file: ParquetWriter, writer: ByteWriter): Uint8Array {
  void file.finish()
  return writer.getBytes()
}

/** The last group, if it is small, stands last and can be read to the bit. */
function lastToGrow(
  { row_groups: groups, schema }: FileMetaData,
  more: number,
): RowGroup | undefined {
  const last = groups.at(-1)
  if (last === undefined || Number(last.num_rows) + more > FULL_GROUP_ROWS) return undefined
  const codecs = last.columns.map(({ meta_data: data }) => data?.codec ?? '')
  if (!codecs.every((codec) => READ_CODECS.includes(codec))) return undefined
  if (schema.some(isWideDecimal)) return undefined
  const ends = groups.slice(0, -1).map(endOf)
  return Math.max(0, ...ends) <= startOf(last) ? last : undefined
}

function startOf({ columns }: RowGroup): number {
  return Math.min(...columns.map((column) => startOfChunk(column)))
}

function endOf({ columns }: RowGroup): number {
  return Math.max(
    ...columns.map(
      (column) => startOfChunk(column) + Number(column.meta_data?.total_compressed_size ?? 0n),
    ),
  )
}

function startOfChunk({ meta_data: data }: RowGroup['columns'][number]): number {
  const offsets = [data?.dictionary_page_offset, data?.data_page_offset]
  return Math.min(...offsets.filter((offset) => offset !== undefined).map(Number))
}

async function rowsOfLast(
  { buffer, metadata }: ParquetFile,
  { num_rows: count }: RowGroup,
): Promise<Record<string, unknown>[]> {
  const rowEnd = Number(metadata.num_rows)
  return await parquetReadObjects({
    file: buffer,
    metadata,
    rowStart: rowEnd - Number(count),
    rowEnd,
    parsers: AS_STORED,
    compressors,
  })
}

/** The library reads a decimal as a float. */
function isWideDecimal({ precision = 0 }: SchemaElement): boolean {
  return precision > 15
}

/**
 * A group in the new footer, without pointers to what stood behind the groups, and without what would not
 * be written as it was read.
 */
function keptGroup(group: RowGroup, inexact: ReadonlySet<string>): RowGroup {
  return {
    ...group,
    columns: group.columns.map(({ meta_data: data, file_offset, file_path }) => {
      if (data === undefined) throw new Error('a column chunk without its metadata')
      const { size_statistics: _, bloom_filter_offset: _o, bloom_filter_length: _l, ...rest } = data
      const { statistics: _s, ...bare } = rest
      const told = inexact.has(data.path_in_schema[0] ?? '') ? bare : rest
      return { file_offset, meta_data: told, ...(file_path !== undefined && { file_path }) }
    }),
  }
}

/** The same type under the older name alone: the writer gives the width of an integer the wrong type. */
function writable({ logical_type: logical, ...element }: SchemaElement): SchemaElement {
  if (logical?.type === 'INTEGER') {
    const name = `${logical.isSigned ? '' : 'U'}INT_${logical.bitWidth}`
    return { ...element, converted_type: name as NonNullable<SchemaElement['converted_type']> }
  }
  if (logical?.type === 'STRING')
    return { ...element, converted_type: 'UTF8', logical_type: logical }
  return logical === undefined ? element : { ...element, logical_type: logical }
}
