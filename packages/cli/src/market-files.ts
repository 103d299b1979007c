import type { Bar } from '@usdcop/observation/bars'
import type { MacroValue } from '@usdcop/observation/macro'
import { BAR_COLUMNS, MACRO_COLUMNS, parseBar, parseMacroRecord } from '@usdcop/observation/parse'
import { readCsv } from '@usdcop/offline-store/csv'

/** Of bars in a file without a symbol column. */
const DEFAULT_SYMBOL = 'USD/COP'

/**
 * The bars of a file in file order, dirty rows included.
 * @param symbol only this one, which also names the bars of a file without a symbol column
 * @throws ServiceError `invalid_request` naming the file that cannot be read or lacks a column
 */
export async function readBarFile(
  path: string,
  symbol: string | undefined,
  signal: AbortSignal,
): Promise<Bar[]> {
  const bars: Bar[] = []
  for await (const record of readCsv(path, signal, BAR_COLUMNS)) {
    const bar = parseBar(record, symbol ?? DEFAULT_SYMBOL)
    if (symbol === undefined || bar.symbol === symbol) bars.push(bar)
  }
  return bars
}

/**
 * The values of a file of daily macro series, in file order.
 * @throws ServiceError `invalid_request` naming the file that cannot be read or lacks a column
 */
export async function readMacroFile(
  path: string,
  series: readonly string[],
  signal: AbortSignal,
): Promise<MacroValue[]> {
  const values: MacroValue[] = []
  for await (const record of readCsv(path, signal, MACRO_COLUMNS))
    values.push(...parseMacroRecord(record, series))
  return values
}
