import { readFileSync } from 'node:fs'
import type { ServedFeature, ServedFeatures } from '@usdcop/decision/gates'
import { createCalendar } from '@usdcop/observation/calendar'
import { parseContract } from '@usdcop/observation/contract'
import type { BarClosed } from '../../src/event.ts'
import { rulesOf } from '../../src/rules.ts'

const file = new URL('../../../../config/contracts/observation-15d.v1.json', import.meta.url)

export const contract = parseContract(JSON.parse(readFileSync(file, 'utf8')))
export const calendar = createCalendar(contract)
export const rules = rulesOf(contract)

export const SYMBOL = 'USD/COP'
const BAR_MS = 300_000
const OPEN = Date.UTC(2025, 2, 3, 13, 0)
const DAY_MS = 86_400_000

/** Bar `i` of a quiet week that begins on Monday 2025-03-03; 60 bars a session. */
export function barClosed(i: number, change: Partial<BarClosed> = {}): BarClosed {
  const day = Math.floor(i / 60)
  const barTime = OPEN + day * DAY_MS + (i % 60) * BAR_MS
  const session = new Date(barTime).toISOString().slice(0, 10)
  const open = 4_100 + 3 * Math.sin(i / 5)
  const close = 4_100 + 3 * Math.sin((i + 1) / 5)
  return {
    symbol: SYMBOL,
    barTime,
    availableAt: barTime + BAR_MS,
    session,
    open,
    high: Math.max(open, close) + 1,
    low: Math.min(open, close) - 1,
    close,
    macroReleasedAt: Date.parse(`${session}T12:50:00Z`),
    timeNormalized: (i % 60) / 59,
    gapBars: 0,
    flags: [],
    macroAgeMs: DAY_MS,
    definitionHash: contract.definitionHash,
    ...change,
  }
}

/** What a sound feature server answers once bar `i` has closed: values that swing the policy. */
export function servedAt(event: BarClosed): ServedFeatures {
  const { mean, std } = contract.statistics
  const phase = event.barTime / BAR_MS
  const features = rules.features.map((ref, i): ServedFeature => {
    const value = i < 13 ? mean[i]! + std[i]! * 2 * Math.sin(phase / 7 + i) : 0
    const eventTimestamp = ref.view === 'macro_features' ? event.macroReleasedAt : event.availableAt
    return { ...ref, value, status: 'PRESENT', eventTimestamp }
  })
  return { definitionHash: contract.definitionHash, features }
}
