import { readFileSync } from 'node:fs'
import type { Bar } from '@usdcop/observation/bars'
import { createCalendar } from '@usdcop/observation/calendar'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import type { MacroValue } from '@usdcop/observation/macro'

const FILE = new URL('../../../../config/contracts/observation-15d.v1.json', import.meta.url)
const json = JSON.parse(readFileSync(FILE, 'utf8'))

export const contract: Contract = parseContract(json)
export const calendar = createCalendar(contract)

/** The same contract but for one limit: another definition. */
export const changedContract: Contract = parseContract({
  ...json,
  definition: {
    ...json.definition,
    flags: { ...json.definition.flags, maxGapBars: json.definition.flags.maxGapBars - 1 },
  },
})

export const USD = 'USD/COP'
export const EUR = 'EUR/COP'

/** Four session days in one month, no session between them. */
export const SESSIONS = ['2025-06-16', '2025-06-17', '2025-06-18', '2025-06-20'] as const

export const at = (session: string, time: string): number => Date.parse(`${session}T${time}:00Z`)

/** The bar of a session with a given index; no two have the same prices. */
export function barOf(session: string, index: number, symbol = USD): Bar {
  const barTime = Date.parse(session) + calendar.firstBarMs + index * calendar.barMs
  const close = 4_000 + 30 * Math.sin(barTime / 7e6) + (symbol === USD ? 0 : 600)
  return { symbol, barTime, open: close - 1, high: close + 2, low: close - 3, close }
}

/** Every bar of some sessions in time order, the symbols of a time side by side. */
export const barsOf = (sessions: readonly string[], symbols: readonly string[] = [USD]): Bar[] =>
  sessions.flatMap((session) =>
    Array.from({ length: calendar.barsPerSession }, (_, i) =>
      symbols.map((symbol) => barOf(session, i, symbol)),
    ).flat(),
  )

/** Thirty days of every series, released before the first of `SESSIONS`. */
export const MACRO: readonly MacroValue[] = contract.definition.macro.series.flatMap((series, s) =>
  Array.from({ length: 30 }, (_, day) => ({
    series,
    date: new Date(Date.UTC(2025, 4, 14 + day)).toISOString().slice(0, 10),
    value: 100 + 10 * s + Math.sin(day * (s + 1)),
  })),
)
