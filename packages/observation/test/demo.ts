import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { Bar } from '../src/bars.ts'
import { createCalendar, formatDay } from '../src/calendar.ts'
import { type Contract, parseContract } from '../src/contract.ts'
import type { MacroValue } from '../src/macro.ts'
import { parseBar, parseMacroRecord } from '../src/parse.ts'

const root = new URL('../../../', import.meta.url)

export const contractJson = (): Record<string, unknown> =>
  JSON.parse(text('config/contracts/observation-15d.v1.json')) as Record<string, unknown>

export const contract: Contract = parseContract(contractJson())

/** The demo data, as its files have it. */
export const demoBars = (): Bar[] =>
  records(gunzipSync(readFileSync(new URL('data/usdcop-m5.csv.gz', root))).toString()).map(
    (record) => parseBar(record),
  )

export const demoMacro = (): MacroValue[] =>
  records(text('data/macro-daily.csv')).flatMap((record) =>
    parseMacroRecord(record, contract.definition.macro.series),
  )

export const demoHolidays = (): Record<string, string>[] => records(text('data/holidays.csv'))

export const golden = (name: string): unknown => JSON.parse(text(`tests/golden/${name}`))

/** Labels of `count` consecutive bars from the first session day of 2024 on. */
export function labels(count: number): number[] {
  const calendar = createCalendar(contract)
  const found: number[] = []
  for (let day = Date.UTC(2024, 0, 2) / 86_400_000; found.length < count; day++) {
    if (!calendar.isSessionDay(formatDay(day))) continue
    for (let slot = 0; slot < 60 && found.length < count; slot++)
      found.push(day * 86_400_000 + 13 * 3_600_000 + slot * 300_000)
  }
  return found
}

/** A flat bar at a price, unless told otherwise. */
export function bar(time: number | string, price: number, other: Partial<Bar> = {}): Bar {
  const barTime = typeof time === 'number' ? time : Date.parse(time)
  const flat = { open: price, high: price, low: price, close: price }
  return { symbol: 'USD/COP', barTime, ...flat, ...other }
}

function text(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

function records(csv: string): Record<string, string>[] {
  const [header = '', ...lines] = csv.trimEnd().split('\n')
  const names = header.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, i) => [name, cells[i] ?? '']))
  })
}
