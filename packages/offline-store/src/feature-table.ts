import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { ServiceError } from '@usdcop/service/errors'

/** One row of a feature table; NaN is missing. */
export interface FeatureTableRow {
  /** Label of the bar, epoch ms. */
  readonly barTime: number
  readonly symbol: string
  /** As many as the table has features, in its order. */
  readonly features: ArrayLike<number>
  readonly timeNormalized: number
  readonly gapBars: number
  readonly flags: readonly string[]
}

/**
 * Writes a feature table to a `.csv` or `.parquet` file: `time` (ISO, Z), `symbol`, the features by name,
 * `time_normalized`, `gap_bars`, `flags` joined by `|`. Missing is an empty cell or null. Numbers keep
 * their 64 bits. The file appears whole or not at all.
 *
 * @throws ServiceError `invalid_request` for another ending, or naming the file when it cannot be written
 */
export async function writeFeatureTable(
  path: string,
  features: readonly string[],
  rows: Iterable<FeatureTableRow>,
  signal: AbortSignal,
): Promise<void> {
  const write = path.endsWith('.csv')
    ? writeCsv
    : path.endsWith('.parquet')
      ? writeParquet
      : undefined
  if (write === undefined)
    throw new ServiceError('invalid_request', `${path} ends neither in .csv nor in .parquet`)
  const partial = `${path}.partial`
  try {
    await write(partial, features, rows, signal)
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    signal.throwIfAborted()
    throw new ServiceError('invalid_request', `${path} cannot be written`, { cause: error })
  }
}

async function writeCsv(
  path: string,
  features: readonly string[],
  rows: Iterable<FeatureTableRow>,
  signal: AbortSignal,
): Promise<void> {
  const header = ['time', 'symbol', ...features, 'time_normalized', 'gap_bars', 'flags']
  await pipeline(Readable.from(csvLines(header, rows)), createWriteStream(path), { signal })
}

/** Lines in blocks: a stream step a row would cost more than the row. */
function* csvLines(header: readonly string[], rows: Iterable<FeatureTableRow>): Generator<string> {
  let block = `${header.join(',')}\n`
  for (const row of rows) {
    block += `${new Date(row.barTime).toISOString()},${quoted(row.symbol)},`
    for (let i = 0; i < row.features.length; i++) block += `${cell(row.features[i])},`
    block += `${cell(row.timeNormalized)},${row.gapBars},${row.flags.join('|')}\n`
    if (block.length > 65_536) {
      yield block
      block = ''
    }
  }
  yield block
}

function cell(value: number | undefined): string {
  return value === undefined || Number.isNaN(value) ? '' : String(value)
}

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

async function writeParquet(
  path: string,
  features: readonly string[],
  rows: Iterable<FeatureTableRow>,
  signal: AbortSignal,
): Promise<void> {
  const duckdb = await DuckDBInstance.create(':memory:')
  const connection = await duckdb.connect()
  try {
    const columns = features.map((name) => `${identifier(name)} DOUBLE`).join(', ')
    await connection.run(
      `CREATE TABLE t (ms BIGINT, symbol VARCHAR, ${columns}, time_normalized DOUBLE, gap_bars INTEGER, flags VARCHAR)`,
    )
    const appender = await connection.createAppender('t')
    for (const row of rows) {
      signal.throwIfAborted()
      appender.appendBigInt(BigInt(row.barTime))
      appender.appendVarchar(row.symbol)
      for (let i = 0; i < features.length; i++) {
        const value = row.features[i]
        if (value === undefined || Number.isNaN(value)) appender.appendNull()
        else appender.appendDouble(value)
      }
      appender.appendDouble(row.timeNormalized)
      appender.appendInteger(row.gapBars)
      appender.appendVarchar(row.flags.join('|'))
      appender.endRow()
    }
    appender.closeSync()
    await connection.run(
      `COPY (SELECT strftime(make_timestamp(ms * 1000), '%Y-%m-%dT%H:%M:%S.%gZ') AS time, * EXCLUDE (ms) FROM t)
       TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
    )
  } finally {
    connection.closeSync()
    duckdb.closeSync()
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
