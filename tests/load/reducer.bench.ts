import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bar, type BarColumns, barColumns } from '@usdcop/observation/bars'
import { parseContract } from '@usdcop/observation/contract'
import type { MacroValue } from '@usdcop/observation/macro'
import { parseBar, parseMacroRecord } from '@usdcop/observation/parse'
import { Reducer } from '@usdcop/observation/reducer'
import { readCsv } from '@usdcop/offline-store/csv'
import type { Figure } from './figure.ts'

const root = join(import.meta.dirname, '../..')
const SYMBOLS = 8
const REPEATS = 9

/** The reducer alone on one core, reading and parsing left out: medians over repeats. */
export async function reducerBench(): Promise<Figure[]> {
  const json: unknown = JSON.parse(
    readFileSync(join(root, 'config/contracts/observation-15d.v1.json'), 'utf8'),
  )
  const contract = parseContract(json)
  const signal = AbortSignal.timeout(60_000)
  const bars: Bar[] = []
  for await (const record of readCsv(join(root, 'data/usdcop-m5.csv.gz'), signal))
    bars.push(parseBar(record))
  const macro: MacroValue[] = []
  for await (const record of readCsv(join(root, 'data/macro-daily.csv'), signal))
    macro.push(...parseMacroRecord(record, contract.definition.macro.series))

  const loaded = (): Reducer => {
    const reducer = new Reducer(contract)
    for (const value of macro) reducer.macro.publish(value)
    return reducer
  }
  const batch = manySymbols(bars)
  return [
    {
      name: 'reducer, batch',
      value: median(() => barsPerSecond(loaded(), batch)),
      unit: 'bars/s',
      bar: { kind: 'at_least', value: 1_000_000 },
    },
    {
      name: 'reducer, live step and saved state',
      value: median(() => microsecondsAStep(loaded(), bars)),
      unit: 'µs',
      bar: { kind: 'at_most', value: 20 },
    },
  ]
}

/** The real series once for each of several symbols, one after the other. */
function manySymbols(bars: readonly Bar[]): BarColumns {
  return barColumns(
    Array.from({ length: SYMBOLS }, (_, i) =>
      bars.map((bar) => ({ ...bar, symbol: `SYM${i}` })),
    ).flat(),
  )
}

function barsPerSecond(reducer: Reducer, bars: BarColumns): number {
  const start = performance.now()
  reducer.batch(bars)
  return (bars.symbol.length / (performance.now() - start)) * 1_000
}

function microsecondsAStep(reducer: Reducer, bars: readonly Bar[]): number {
  let steps = 0
  let bytes = 0
  const start = performance.now()
  for (const bar of bars) {
    if (reducer.step(bar).kind === 'rejected') continue
    bytes += reducer.saveSymbol(bar.symbol).byteLength
    steps++
  }
  const elapsedMs = performance.now() - start
  if (bytes === 0) throw new Error('no state was saved')
  return (elapsedMs * 1_000) / steps
}

function median(measure: () => number): number {
  const values = Array.from({ length: REPEATS }, measure).sort((a, b) => a - b)
  return values[(REPEATS - 1) / 2]!
}
