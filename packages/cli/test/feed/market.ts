import { readFileSync } from 'node:fs'
import type { Bar } from '@usdcop/observation/bars'
import { createCalendar } from '@usdcop/observation/calendar'
import { parseContract } from '@usdcop/observation/contract'
import type { MacroValue } from '@usdcop/observation/macro'
import { CONTRACT_FILE } from '../../src/paths.ts'

export const contract = parseContract(JSON.parse(readFileSync(CONTRACT_FILE, 'utf8')))
export const calendar = createCalendar(contract)

export const at = (iso: string): number => Date.parse(`${iso}Z`)

export function bar(label: string, symbol = 'USD/COP'): Bar {
  return { symbol, barTime: at(label), open: 4_000, high: 4_001, low: 3_999, close: 4_000 }
}

export const value = (date: string, series = 'dxy'): MacroValue => ({ series, date, value: 98.5 })
