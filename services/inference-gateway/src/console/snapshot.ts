import type { Contract } from '@usdcop/observation/contract'
import type { Ledger } from '../ledger.ts'
import type { Policy } from '../model/run.ts'
import type { DecisionRules } from '../rules.ts'
import type { ConsoleFeed } from './feed.ts'
import type { StatusSource } from './status.ts'
import { consoleDecision, consoleFill, tickFromRecord } from './tick.ts'
import type { ConsoleBar, ConsoleSnapshot, ConsoleTick } from './wire.ts'

/** Closed bars as the materializer keeps them. */
export interface BarHistory {
  /** The newest bars of a symbol, oldest first. */
  newest(symbol: string, limit: number, signal: AbortSignal): Promise<readonly ConsoleBar[]>
}

export interface SnapshotDeps {
  readonly symbol: string
  readonly contract: Contract
  readonly rules: DecisionRules
  readonly policy: Policy | undefined
  readonly ledger: Ledger
  readonly bars: BarHistory
  readonly feed: ConsoleFeed
  readonly status: StatusSource
}

const MAX_BARS = 600
const DEADLINE_MS = 10_000

/**
 * Snapshots that consoles asking together share: many come back at once after a restart, and each
 * snapshot reads hundreds of decisions from the database that decisions are written to. One begun
 * before the newest tick is not given to who asks after it, whose stream does not hold that tick.
 */
export function createSnapshots(deps: SnapshotDeps): () => Promise<ConsoleSnapshot> {
  let running:
    | { readonly since: ConsoleTick | undefined; readonly whole: Promise<ConsoleSnapshot> }
    | undefined
  return () => {
    const since = deps.feed.last
    if (running !== undefined && running.since === since) return running.whole
    // Of all who share it, so no single caller's leaving may stop it.
    const whole = snapshot(deps, AbortSignal.timeout(DEADLINE_MS)).finally(() => {
      if (running?.whole === whole) running = undefined
    })
    running = { since, whole }
    return whole
  }
}

/** Everything a console draws when it opens. */
async function snapshot(deps: SnapshotDeps, signal: AbortSignal): Promise<ConsoleSnapshot> {
  const { symbol, contract, policy, ledger, bars, feed, status } = deps
  const newest = await bars.newest(symbol, MAX_BARS, signal)
  const since = newest[0]?.barTime ?? 0
  const [decisions, fills, equity] = await Promise.all([
    ledger.decisions({ symbol, limit: MAX_BARS, before: undefined }, signal),
    ledger.fills(symbol, since, signal),
    ledger.equity(symbol, since, signal),
  ])
  const { version, definitionHash, contractHash } = contract
  const parts = {
    bars: newest,
    decisions: decisions
      .filter(({ barTime, trigger }) => barTime >= since && trigger === 'bar')
      .map(consoleDecision)
      .toReversed(),
    fills: fills.map(({ content }) => consoleFill(content)),
    equity,
  }
  return {
    status: status.current(),
    symbol,
    contract: { version, definitionHash, contractHash },
    model: modelOf(policy),
    ...parts,
    last: feed.last ?? (await lastTick(deps, parts, signal)),
  }
}

function modelOf(policy: Policy | undefined): ConsoleSnapshot['model'] {
  if (policy === undefined) return null
  const { name, version, sha256 } = policy.describe()
  return { name, version, sha256 }
}

async function lastTick(
  { symbol, ledger, rules, feed }: SnapshotDeps,
  {
    bars,
    fills,
    equity,
  }: Pick<ConsoleSnapshot, 'bars' | 'fills'> & {
    readonly equity: Awaited<ReturnType<Ledger['equity']>>
  },
  signal: AbortSignal,
): Promise<ConsoleTick | null> {
  const mark = equity.at(-1)
  const bar = bars.find(({ barTime }) => barTime === mark?.barTime)
  if (mark === undefined || bar === undefined) return null
  const stored = await ledger.account(symbol, signal)
  const decision = await ledger.decisionOf(symbol, bar.barTime, signal)
  if (stored === undefined || decision === undefined) return null
  const { account } = stored
  return tickFromRecord({ bar, decision, fills, mark, account }, rules.execution, feed.window)
}
