import { as, askJson } from './http.ts'
import { type Decision, iso, lastBarOf, newestDecisions, SYMBOL } from './market.ts'

/** A symbol of this ring alone, so that nothing it sends meets the demo's. */
export const OWN_SYMBOL = 'TEST/COP'

/** The demo's newest label. Throws until it is one that was not sent under our symbol before. */
export async function newLabel(signal: AbortSignal): Promise<number> {
  const theirs = await lastBarOf(SYMBOL, signal)
  const ours = await lastBarOf(OWN_SYMBOL, signal)
  if (theirs === undefined) throw new Error(`no bar of ${SYMBOL} was accepted`)
  if (ours !== undefined && ours >= theirs)
    throw new Error(`the newest bar of both is ${iso(theirs)}`)
  return theirs
}

export function ownBar(barTime: number) {
  const time = iso(barTime)
  return { symbol: OWN_SYMBOL, time, open: 4_080, high: 4_081, low: 4_079, close: 4_080 }
}

export interface BatchAnswer {
  readonly accepted: number
  readonly rejected: number
  readonly rows: readonly { readonly status: string; readonly reason?: string }[]
}

export async function sendBars(bars: readonly object[], signal: AbortSignal): Promise<BatchAnswer> {
  const body = { source: 'stack-ring', bars }
  return await askJson('materializer', '/v1/bars', { body, headers: as.writer() }, signal)
}

/** The decision on our bar at a label. Throws while there is none. */
export async function ownDecision(label: number, signal: AbortSignal): Promise<Decision> {
  const decisions = await newestDecisions(OWN_SYMBOL, 20, signal)
  const found = decisions.find(({ barTime, trigger }) => barTime === label && trigger === 'bar')
  if (found === undefined)
    throw new Error(`${OWN_SYMBOL} has ${decisions.length} decisions, none of ${iso(label)}`)
  return found
}
