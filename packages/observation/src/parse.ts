import type { Bar } from './bars.ts'
import type { MacroValue } from './macro.ts'

/** A record of a CSV file or a JSON body: a name and a text, or a value that is used as it is. */
export type SourceRecord = Readonly<Record<string, unknown>>

/** `2020-01-02 08:00:00+00:00` and ISO 8601; a time without an offset is UTC. */
const INSTANT =
  /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)\s*(Z|[+-]\d\d(?::?\d\d)?)?)?$/i

/** Without these a table holds no bars; the symbol may be said elsewhere. */
export const BAR_COLUMNS = ['time', 'open', 'high', 'low', 'close']

/** Without these a table holds no macro values; each series has a column of its own. */
export const MACRO_COLUMNS = ['date']

/**
 * A record with time, symbol, open, high, low, close as a bar. What cannot be read becomes NaN, so
 * that the reducer rejects the bar as `unparsable` and counts it with the others.
 */
export function parseBar(record: SourceRecord, symbol = ''): Bar {
  return {
    symbol: text(record['symbol']) || symbol,
    barTime: parseInstant(record['time']),
    open: parseNumber(record['open']),
    high: parseNumber(record['high']),
    low: parseNumber(record['low']),
    close: parseNumber(record['close']),
  }
}

/** Epoch ms of a time; a number is taken for epoch ms already. NaN when it is no instant. */
export function parseInstant(value: unknown): number {
  if (typeof value === 'number') return value
  const match = INSTANT.exec(text(value))
  if (match === null) return Number.NaN
  const [, date, time = '00:00', zone = 'Z'] = match
  const instant = Date.parse(`${date}T${time}${isoZone(zone)}`)
  // Date.parse rolls 31 February over; the way back shows it.
  const midnight = Date.parse(`${date}T00:00Z`)
  const real = !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date!)
  return real ? instant : Number.NaN
}

/** A decimal number; NaN when the text is anything else, the empty text included. */
export function parseNumber(value: unknown): number {
  if (typeof value === 'number') return value
  const digits = text(value)
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(digits) ? Number(digits) : Number.NaN
}

/** Columns of daily macro files and the series they hold, where the two names differ. */
const SERIES_OF_COLUMN: Readonly<Record<string, string>> = { embi_col: 'embi' }

/**
 * The values in one daily record, column by column; a column that is no series of the contract is
 * passed over, and so is an empty cell, which says that nothing was published that day. A record
 * without a date says nothing at all.
 */
export function parseMacroRecord(
  record: SourceRecord,
  series: readonly string[],
): readonly MacroValue[] {
  const date = text(record['date']).slice(0, 10)
  if (date === '' || Number.isNaN(parseInstant(date))) return []
  return Object.entries(record).flatMap(([column, cell]) => {
    const name = SERIES_OF_COLUMN[column] ?? column
    const value = parseNumber(cell)
    return series.includes(name) && Number.isFinite(value) ? [{ series: name, date, value }] : []
  })
}

function isoZone(zone: string): string {
  if (zone.toUpperCase() === 'Z') return 'Z'
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  return `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}

function text(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}
