import { barColumns } from '@usdcop/observation/bars'
import { type Contract, MARKET_FEATURES } from '@usdcop/observation/contract'
import { normaliseMarket } from '@usdcop/observation/observation'
import { Reducer } from '@usdcop/observation/reducer'
import { type BatchResult, type FeatureColumns, rowAt } from '@usdcop/observation/rows'
import { type FeatureTableRow, writeFeatureTable } from '@usdcop/offline-store/feature-table'
import { Command, InvalidArgumentError } from 'commander'
import { readContract } from '../contract-file.ts'
import { examples } from '../examples.ts'
import { readBarFile, readMacroFile } from '../market-files.ts'
import { contractOption } from '../paths.ts'
import type { World } from '../world.ts'

interface FeaturesOptions {
  readonly bars: string
  readonly macro: string
  readonly out: string
  readonly contract: string
  readonly normalised?: true
  readonly symbol?: string
  readonly json?: true
}

/** `usdcop features`: the rows the platform serves, computed offline by the same reducer. */
export function featuresCommand({ signal, stdout, stderr }: World): Command {
  return new Command('features')
    .description('compute one feature row for each accepted bar of a file')
    .requiredOption('--bars <file>', 'time, symbol, open, high, low, close; CSV or .csv.gz')
    .requiredOption('--macro <file>', 'daily macro series by date; CSV or .csv.gz')
    .requiredOption('--out <file>', 'table to write, .csv or .parquet', tablePath)
    .option('--normalised', 'write the features as a model sees them, z-scored and clipped')
    .option('--symbol <name>', 'only this symbol; names the bars of a file without a symbol column')
    .addOption(contractOption())
    .option('--json', 'print the counts as JSON on standard output')
    .addHelpText(
      'after',
      examples(
        'features --bars data/usdcop-m5.csv.gz --macro data/macro-daily.csv --out features.parquet',
      ),
    )
    .action(async (options: FeaturesOptions) => {
      const contract = await readContract(options.contract)
      const reducer = new Reducer(contract)
      const { series } = contract.definition.macro
      for (const value of await readMacroFile(options.macro, series, signal))
        reducer.macro.publish(value)
      const bars = await readBarFile(options.bars, options.symbol, signal)
      const result = reducer.batch(barColumns(bars))
      const names = contract.names.slice(0, MARKET_FEATURES)
      await writeFeatureTable(options.out, names, tableRows(result.rows, contract, options), signal)

      const counts = countsOf(result)
      if (options.json) stdout.write(`${JSON.stringify(counts)}\n`)
      else stderr.write(describe(counts, options.out))
    })
}

function tablePath(path: string): string {
  if (!/\.(?:csv|parquet)$/.test(path))
    throw new InvalidArgumentError('a file that ends in .csv or .parquet is expected.')
  return path
}

function* tableRows(
  rows: FeatureColumns,
  contract: Contract,
  { normalised }: FeaturesOptions,
): Generator<FeatureTableRow> {
  for (let i = 0; i < rows.length; i++) {
    const { barTime, symbol, market, timeNormalized, gapBars, flags } = rowAt(rows, i)
    const features = normalised ? normaliseMarket(contract, market) : market
    yield { barTime, symbol, features, timeNormalized, gapBars, flags }
  }
}

interface Counts {
  readonly rows: number
  readonly rejected: Readonly<Record<string, number>>
}

function countsOf({ rows, rejected }: BatchResult): Counts {
  return { rows: rows.length, rejected }
}

function describe({ rows, rejected }: Counts, out: string): string {
  const reasons = Object.entries(rejected).filter(([, count]) => count > 0)
  const lines = reasons.map(([reason, count]) => `rejected ${count} ${reason}\n`)
  return `wrote ${rows} rows to ${out}\n${lines.join('')}`
}
