import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const BAR_MS = 300_000

export interface SmallData {
  readonly bars: string
  readonly macro: string
}

/** Bars of two sessions, 2025-06-26 and -27, of one symbol or more, and no macro series to speak of. */
export async function writeSmallData(
  folder: string,
  symbols: readonly string[] = ['USD/COP'],
): Promise<SmallData> {
  const data = { bars: join(folder, 'bars.csv'), macro: join(folder, 'macro.csv') }
  const rows = ['2025-06-26', '2025-06-27'].flatMap((session) =>
    Array.from({ length: 60 }, (_, i) =>
      symbols.map((symbol) => barRow(Date.parse(`${session}T13:00Z`) + i * BAR_MS, symbol)),
    ).flat(),
  )
  await writeFile(data.bars, `time,symbol,open,high,low,close\n${rows.join('\n')}\n`)
  await writeFile(data.macro, 'date,dxy,vix\n2025-06-24,98.1,17.5\n2025-06-25,97.7,16.8\n')
  return data
}

function barRow(barTime: number, symbol: string): string {
  const close = 4_000 + 10 * Math.sin(barTime / BAR_MS)
  const prices = [close - 1, close + 2, close - 2, close]
  return `${new Date(barTime).toISOString()},${symbol},${prices.join(',')}`
}
