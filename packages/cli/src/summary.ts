import type { ReplaySummary } from '@usdcop/service/start-report'

/** What a replay came to, for a person. */
export function describeSummary(summary: ReplaySummary): string {
  const { signals, refused, reasons, currency } = summary
  const change = summary.equity / summary.initialCash - 1
  const lines: readonly (readonly [string, string])[] = [
    ['sessions', `${summary.from} … ${summary.to}, ${summary.bars} bars`],
    [
      'decisions',
      `${signals.LONG} long, ${signals.SHORT} short, ${signals.FLAT} flat, ${refused} refused`,
    ],
    ...Object.entries(reasons).map(([reason, count]) => ['', `${count} × ${reason}`] as const),
    ['fills', `${summary.fills}, costs ${money(summary.costs)} ${currency}`],
    ['equity', `${money(summary.equity)} ${currency} (${(change * 100).toFixed(2)} % after costs)`],
    ['drawdown', `${(summary.maxDrawdown * 100).toFixed(2)} %`],
  ]
  return `${lines.map(([name, value]) => `  ${name.padEnd(10)} ${value}`).join('\n')}\n`
}

function money(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}
