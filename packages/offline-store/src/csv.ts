import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ServiceError } from '@usdcop/service/errors'
import { parse } from 'csv-parse'

/** One record: column name to text. A short record lacks its last columns. */
export type CsvRecord = Readonly<Record<string, string>>

/**
 * The records of a CSV file with a header line, in file order; `.gz` files are unpacked on the way.
 * @param needed columns without which it is another file than the one that was meant
 * @throws ServiceError `invalid_request` naming the file when it cannot be read, is no CSV or lacks a column
 */
export async function* readCsv(
  path: string,
  signal: AbortSignal,
  needed: readonly string[] = [],
): AsyncGenerator<CsvRecord> {
  let missing = needed
  const parser = parse({
    columns: (header: string[]) => {
      missing = needed.filter((name) => !header.includes(name))
      return header
    },
    // A damaged line is a row to reject and count, not a reason to lose the file.
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    bom: true,
  })
  const source = createReadStream(path, { signal })
  // The parser is read below and reports what broke; the callback only settles the pipeline.
  if (path.endsWith('.gz')) pipeline(source, createGunzip(), parser, () => {})
  else pipeline(source, parser, () => {})
  try {
    for await (const record of parser) {
      if (missing.length > 0) break
      yield record as CsvRecord
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new ServiceError('invalid_request', `${path} cannot be read as CSV`, { cause: error })
  }
  if (missing.length > 0)
    throw new ServiceError(
      'invalid_request',
      `${path} has no column ${missing.join(', ')} in its first line`,
    )
}
