import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { ServiceError } from '@usdcop/service/errors'
import { parse } from 'csv-parse'

/** One record: column name to text. A short record lacks its last columns. */
export type CsvRecord = Readonly<Record<string, string>>

/**
 * The records of a CSV file with a header line, in file order; `.gz` files are unpacked on the way.
 * @throws ServiceError `invalid_request` naming the file when it cannot be read or is no CSV
 */
export async function* readCsv(path: string, signal: AbortSignal): AsyncGenerator<CsvRecord> {
  const parser = parse({
    columns: true,
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
    for await (const record of parser) yield record as CsvRecord
  } catch (error) {
    signal.throwIfAborted()
    throw new ServiceError('invalid_request', `${path} cannot be read as CSV`, { cause: error })
  }
}
