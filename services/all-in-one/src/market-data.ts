import type { Bar } from '@usdcop/observation/bars'
import type { Calendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import type { MacroValue } from '@usdcop/observation/macro'
import { BAR_COLUMNS, MACRO_COLUMNS, parseBar, parseMacroRecord } from '@usdcop/observation/parse'
import { readCsv } from '@usdcop/offline-store/csv'
import { ServiceError } from '@usdcop/service/errors'

/** Of bars in a file without a symbol column. */
const DEFAULT_SYMBOL = 'USD/COP'

/** The files of a replay, read whole. */
export interface MarketData {
  /** In file order, dirty rows included. */
  readonly bars: readonly Bar[]
  /** Ascending by release instant. */
  readonly macro: readonly ReleasedValue[]
  /** Days on which the file has a bar inside session hours, ascending. */
  readonly sessions: readonly string[]
}

export interface ReleasedValue extends MacroValue {
  readonly releasedAt: number
}

/** @throws ServiceError `invalid_request` naming the file that cannot be read or holds no session */
export async function readMarketData(
  files: { readonly bars: string; readonly macro: string },
  contract: Contract,
  calendar: Calendar,
  signal: AbortSignal,
): Promise<MarketData> {
  const [bars, macro] = await Promise.all([
    readBars(files.bars, signal),
    readMacro(files.macro, contract, calendar, signal),
  ])
  const sessions = new Set<string>()
  for (const { barTime } of bars) {
    const session = Number.isNaN(barTime) ? undefined : calendar.sessionOf(barTime)
    if (session !== undefined) sessions.add(session)
  }
  if (sessions.size === 0)
    throw new ServiceError('invalid_request', `${files.bars} holds no bar of a session`)
  return { bars, macro, sessions: [...sessions].sort() }
}

async function readBars(path: string, signal: AbortSignal): Promise<Bar[]> {
  const bars: Bar[] = []
  for await (const record of readCsv(path, signal, BAR_COLUMNS))
    bars.push(parseBar(record, DEFAULT_SYMBOL))
  return bars
}

async function readMacro(
  path: string,
  contract: Contract,
  calendar: Calendar,
  signal: AbortSignal,
): Promise<ReleasedValue[]> {
  const values: ReleasedValue[] = []
  for await (const record of readCsv(path, signal, MACRO_COLUMNS))
    for (const value of parseMacroRecord(record, contract.definition.macro.series))
      values.push({ ...value, releasedAt: calendar.releaseInstantOf(value.date) })
  return values.sort((a, b) => a.releasedAt - b.releasedAt)
}
