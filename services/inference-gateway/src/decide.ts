import type { EntryContent } from '@usdcop/decision/chain'
import {
  type Account,
  type BarStep,
  cancel,
  type Expiry,
  onBar,
  openAccount,
  place,
} from '@usdcop/decision/execution'
import type { ServedFeatures } from '@usdcop/decision/gates'
import { conclude, type Verdict } from '@usdcop/decision/verdict'
import type { DomainClock } from '@usdcop/service/clock'
import type { Logger } from '@usdcop/service/log'
import { withSpan } from '@usdcop/tracing/spans'
import type { BarClosed } from './event.ts'
import type { FeatureSource, StateSink } from './features/source.ts'
import { type StageMs, Stopwatch } from './latency.ts'
import type { Ledger } from './ledger.ts'
import type { Policy } from './model/run.ts'
import { type Observed, observe, type Rulebook } from './observe.ts'
import { decisionEntry, expiryEntry, fillEntry } from './record.ts'

export interface DecideDeps extends Rulebook {
  readonly clock: DomainClock
  readonly features: FeatureSource
  readonly state: StateSink
  /** Undefined where no model could be loaded: every bar is refused, and the account still marked. */
  readonly policy: Policy | undefined
  readonly ledger: Ledger
  readonly logger: Logger
}

/** One bar, dealt with. */
export interface Decided {
  readonly event: BarClosed
  readonly decidedAt: number
  readonly step: BarStep
  /** After the decision's order. */
  readonly account: Account
  readonly verdict: Verdict
  readonly features: Observed['features']
  readonly entries: Awaited<ReturnType<Ledger['commitBar']>>
  readonly stages: StageMs
  /** Whether the store's copy of the state is now this bar's. */
  readonly pushed: boolean
}

/**
 * The cycle of one closed bar, in the contract's order: fill the pending order at this bar's open,
 * mark the equity, observe, decide, commit all of it at once, push the state.
 *
 * A crash before the commit repeats the bar from nothing; a crash after it loses at most the push,
 * which the next start repeats. Undefined when the account has already seen this bar or a later
 * one. Throws when the ledger cannot be written or the caller leaves: then nothing has happened.
 */
export async function decideBar(
  deps: DecideDeps,
  event: BarClosed,
  position: number,
  signal: AbortSignal,
): Promise<Decided | undefined> {
  const { contract, rules, clock, ledger, policy } = deps
  const watch = new Stopwatch()
  const stored = await ledger.account(event.symbol, signal)
  const before = stored?.account ?? openAccount(rules.execution)
  if (before.lastBarTime !== null && event.barTime <= before.lastBarTime) return undefined

  const step = onBar(before, event, rules.execution)
  const storedMs = watch.lapMs()
  const served = await readFeatures(deps, event.symbol, signal)
  const featuresMs = watch.lapMs()

  const decidedAt = clock.now()
  const model = policy?.describe()
  const sight = {
    event,
    now: decidedAt,
    served,
    position: step.account.position,
    modelContractHash: model?.contractHash,
  }
  const observed = observe(deps, sight)
  const rawAction = await askModel(deps, observed, signal)
  const verdict = conclude(observed.reasons, rawAction, rules.mapping)
  const modelMs = watch.lapMs()

  const { account, expiry } = follow(deps, step, verdict, event)
  const decision = decisionEntry({
    trigger: 'bar',
    bar: event,
    decidedAt,
    verdict,
    features: observed.features,
    model,
    definitionHash: contract.definitionHash,
    contractHash: contract.contractHash,
  })
  const commit = {
    symbol: event.symbol,
    planned: stored?.version ?? 0,
    account,
    entries: entriesOf(event.symbol, step, decision, expiry),
    mark: step.mark,
    latencyMs: watch.totalMs(),
    position,
  }
  const entries = await withSpan('commit decision', {}, () => ledger.commitBar(commit, signal))
  const ledgerMs = storedMs + watch.lapMs()
  const stages = { features: featuresMs, model: modelMs, ledger: ledgerMs, total: watch.totalMs() }
  const pushed = await pushState(deps, event, step.account.position, signal)
  const { features } = observed
  return { event, decidedAt, step, account, verdict, features, entries, stages, pushed }
}

async function readFeatures(
  { features, logger }: DecideDeps,
  symbol: string,
  signal: AbortSignal,
): Promise<ServedFeatures | undefined> {
  try {
    return await features.read(symbol, signal)
  } catch (error) {
    // Leaving is not an answer: a shutdown must not write a refusal.
    signal.throwIfAborted()
    logger.warn({ err: error }, 'no features to decide on')
    return undefined
  }
}

async function askModel(
  { policy, logger }: DecideDeps,
  { reasons, observation }: Observed,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (reasons.length > 0 || observation === undefined || policy === undefined) return undefined
  try {
    return await withSpan('run model', {}, () => policy.infer(observation, signal))
  } catch (error) {
    signal.throwIfAborted()
    logger.error({ err: error }, 'the model did not answer')
    return undefined
  }
}

/** What the decision does to the account: an order, or the end of one. */
function follow(
  { calendar }: DecideDeps,
  { account }: BarStep,
  verdict: Verdict,
  event: BarClosed,
): { readonly account: Account; readonly expiry: Expiry | null } {
  if (verdict.outcome === 'no_action') return { account: cancel(account), expiry: null }
  const next = calendar.sessionOf(event.barTime + calendar.barMs)
  return place(account, verdict.target, event, next !== event.session)
}

/** In the order in which things happened. */
function entriesOf(
  symbol: string,
  step: BarStep,
  decision: EntryContent,
  expiry: Expiry | null,
): readonly EntryContent[] {
  return [
    ...(step.fill === null ? [] : [fillEntry(symbol, step.fill)]),
    ...(step.expiry === null ? [] : [expiryEntry(symbol, step.expiry)]),
    decision,
    ...(expiry === null ? [] : [expiryEntry(symbol, expiry)]),
  ]
}

async function pushState(
  { state, logger }: DecideDeps,
  { symbol, timeNormalized, availableAt }: BarClosed,
  position: number,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await state.push({ symbol, position, timeNormalized, eventTimestamp: availableAt }, signal)
    return true
  } catch (error) {
    // The decision stands; the next bar's push, or the next start, mends the copy.
    logger.warn({ err: error }, 'the state was not pushed')
    return false
  }
}
