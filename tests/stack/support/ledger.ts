import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { ROOT } from './given.ts'
import {
  type Decision,
  decisionsAfter,
  iso,
  newestDecisions,
  SYMBOL,
  wholeDecision,
} from './market.ts'

/** Between two decisions stand at most a fill and an expiry of the bar, and an expiry of the bar before. */
const MOST_BETWEEN = 3

/** From here on the ledger is watched. */
export async function newestBarDecision(signal: AbortSignal): Promise<Decision> {
  const found = (await newestDecisions(SYMBOL, 50, signal)).find(({ trigger }) => trigger === 'bar')
  if (found === undefined) throw new Error(`no bar of ${SYMBOL} was ever decided on`)
  return found
}

/**
 * What is wrong with the decisions since a mark, in words. Every bar that the feed's file has is decided
 * on once, in its order, and each decision is linked to the one before where nothing stands between.
 */
export async function ledgerFaults(
  mark: Decision,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const all = [mark, ...(await decisionsAfter(undefined, mark.seq, signal))]
  const bars = all.filter(({ symbol, trigger }) => symbol === SYMBOL && trigger === 'bar')
  return [...barFaults(bars, demoLabels()), ...(await linkFaults(all, signal))]
}

type DecidedBar = Pick<Decision, 'id' | 'barTime' | 'session'>

/**
 * Bars decided on twice, out of their order, or never.
 * @param bars in the order of the ledger
 * @param fed labels of the bars that were sent, as ISO instants
 */
export function barFaults(bars: readonly DecidedBar[], fed: readonly string[]): readonly string[] {
  const misplaced = pairsOf(bars)
    .filter(([earlier, later]) => later.barTime <= earlier.barTime)
    .map(([earlier, later]) => `${later.id} is of ${iso(later.barTime)}, behind ${earlier.id}`)
  const [first, last] = [bars[0], bars.at(-1)]
  if (first === undefined || last === undefined) return ['there is no decision']
  const [from, to] = [iso(first.barTime), iso(last.barTime)]
  const decided = new Set(bars.map(({ barTime }) => iso(barTime)))
  // A day on which nothing was decided is no session: the file also has rows of holidays.
  const sessions = new Set(bars.map(({ session }) => session))
  const lost = fed
    .filter((label) => label > from && label < to && sessions.has(label.slice(0, 10)))
    .filter((label) => !decided.has(label))
    .map((label) => `the bar ${label} was never decided on`)
  return [...misplaced, ...lost]
}

async function linkFaults(all: readonly Decision[], signal: AbortSignal): Promise<string[]> {
  const faults: string[] = []
  for (const [earlier, later] of pairsOf(all)) {
    const between = later.seq - earlier.seq - 1
    if (between > MOST_BETWEEN)
      faults.push(`${between} entries between ${earlier.id} and ${later.id}`)
    if (between > 0) continue
    const [one, next] = [
      await wholeDecision(earlier.id, signal),
      await wholeDecision(later.id, signal),
    ]
    if (next.prevHash !== one.hash) faults.push(`${later.id} is not linked to ${earlier.id}`)
  }
  return faults
}

let labels: readonly string[] | undefined

/** Labels of the bars the demo feeds that lie within session hours, ascending. */
function demoLabels(): readonly string[] {
  labels ??= gunzipSync(readFileSync(join(ROOT, 'data/usdcop-m5.csv.gz')))
    .toString()
    .split('\n')
    .slice(1)
    .map((line) => `${line.slice(0, 10)}T${line.slice(11, 19)}.000Z`)
    .filter((label) => label.slice(11, 16) >= '13:00' && label.slice(11, 16) <= '17:55')
  return labels
}

function pairsOf<T>(all: readonly T[]): readonly (readonly [T, T])[] {
  return all.slice(1).map((later, i) => [all[i] as T, later] as const)
}
