// Fits the statistics of the observation contract on the demo data and writes them into it; with
// --check, says by its exit code whether they are still what the data and the definitions give.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { barColumns } from '../packages/observation/src/bars.ts'
import { type Contract, parseContract } from '../packages/observation/src/contract.ts'
import { parseBar, parseMacroRecord } from '../packages/observation/src/parse.ts'
import { Reducer } from '../packages/observation/src/reducer.ts'
import { fitStatistics, type Statistics } from '../packages/observation/src/statistics.ts'
import { readCsv } from '../packages/offline-store/src/csv.ts'

const root = join(import.meta.dirname, '..')
const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    contract: { type: 'string', default: join(root, 'config/contracts/observation-15d.v1.json') },
  },
})

const file: unknown = JSON.parse(readFileSync(options.contract, 'utf8'))
const contract = parseContract(file)
const fitted = await fit(contract, AbortSignal.timeout(60_000))

if (options.check) {
  if (!isDeepStrictEqual(contract.statistics, fitted)) {
    console.error(`the statistics in ${options.contract} are not those of data/`)
    process.exitCode = 1
  }
} else {
  const written = { ...(file as object), statistics: fitted }
  writeFileSync(options.contract, JSON.stringify(written, null, 2))
  execFileSync('biome', ['format', '--write', options.contract], { stdio: 'inherit' })
}

/** Over the demo data, in the span of sessions that the contract names. */
async function fit(contract: Contract, signal: AbortSignal): Promise<Statistics> {
  const reducer = new Reducer(contract)
  const { from, to } = contract.statistics
  for await (const record of readCsv(join(root, 'data/macro-daily.csv'), signal))
    for (const value of parseMacroRecord(record, contract.definition.macro.series))
      reducer.macro.publish(value)
  const bars = []
  for await (const record of readCsv(join(root, 'data/usdcop-m5.csv.gz'), signal))
    bars.push(parseBar(record))
  return fitStatistics(reducer.batch(barColumns(bars)).rows, from, to)
}
