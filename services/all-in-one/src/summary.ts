import type { Database } from '@usdcop/database/database'
import { newestEquity } from '@usdcop/database/equity'
import { walkLedger } from '@usdcop/database/ledger'
import type { Contract } from '@usdcop/observation/contract'
import type { ReplaySummary } from '@usdcop/service/start-report'

interface DecisionBody {
  readonly content: {
    readonly signal: 'LONG' | 'SHORT' | 'FLAT' | null
    readonly reasons: readonly string[]
  }
}
interface FillBody {
  readonly content: { readonly cost: number }
}

const PAGE = 1_000

/** What the replay came to, read from the ledger and the equity of one symbol. */
export async function summarise(
  db: Database,
  { execution }: Contract,
  symbol: string,
  signal: AbortSignal,
): Promise<ReplaySummary> {
  const signals = { LONG: 0, SHORT: 0, FLAT: 0 }
  const reasons: Record<string, number> = {}
  let refused = 0
  let fills = 0
  let costs = 0
  for await (const { kind, trigger, body } of ledgerOf(db, symbol, signal)) {
    if (kind === 'fill') {
      fills += 1
      costs += (JSON.parse(body) as FillBody).content.cost
    }
    if (kind !== 'decision' || trigger !== 'bar') continue
    const { content } = JSON.parse(body) as DecisionBody
    if (content.signal === null) refused += 1
    else signals[content.signal] += 1
    for (const reason of content.reasons) reasons[reason] = (reasons[reason] ?? 0) + 1
  }
  const points = await newestEquity(db, symbol, Number.MAX_SAFE_INTEGER, signal)
  const { initialCashCop: initialCash, currency } = execution
  return {
    from: dayOf(points.at(0)?.barTime),
    to: dayOf(points.at(-1)?.barTime),
    bars: points.length,
    signals,
    refused,
    reasons,
    fills,
    costs,
    initialCash,
    equity: points.at(-1)?.equity ?? initialCash,
    currency,
    maxDrawdown: deepestFall([initialCash, ...points.map(({ equity }) => equity)]),
  }
}

async function* ledgerOf(db: Database, symbol: string, signal: AbortSignal) {
  let after = 0
  for (;;) {
    const entries = await walkLedger(db, after, PAGE, signal)
    for (const entry of entries) if (entry.symbol === symbol) yield entry
    if (entries.length < PAGE) return
    after = entries.at(-1)?.seq ?? after
  }
}

function deepestFall(equity: readonly number[]): number {
  let peak = -Infinity
  let deepest = 0
  for (const value of equity) {
    peak = Math.max(peak, value)
    deepest = Math.max(deepest, 1 - value / peak)
  }
  return deepest
}

function dayOf(barTime: number | undefined): string {
  return barTime === undefined ? '' : new Date(barTime).toISOString().slice(0, 10)
}
