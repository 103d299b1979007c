import type { EntryContent, LedgerEntry } from '@usdcop/decision/chain'
import type { Account, EquityPoint, Fill } from '@usdcop/decision/execution'
import type { DecisionContent } from './record.ts'

export interface StoredAccount {
  readonly account: Account
  /** 0 before the first bar; a commit must name the version it was planned on. */
  readonly version: number
}

/** Everything one bar changes; committed whole or not at all. */
export interface BarCommit {
  readonly symbol: string
  readonly planned: number
  readonly account: Account
  readonly entries: readonly EntryContent[]
  readonly mark: EquityPoint
  /** How long the decision took before its commit; kept beside the chain, not in it. */
  readonly latencyMs: number
  /** Outbox id of the event; the cursor moves here. */
  readonly position: number
}

export interface Recorded<Content> {
  readonly seq: number
  readonly id: string
  readonly symbol: string
  readonly barTime: number
  readonly trigger: string
  readonly content: Content
  readonly prevHash: string
  readonly hash: string
  /** Wall clock, epoch ms. */
  readonly recordedAt: number
  /** Null for what was not timed. */
  readonly latencyMs: number | null
}
export type RecordedDecision = Recorded<DecisionContent>

export interface DecisionQuery {
  readonly symbol: string | undefined
  readonly limit: number
  /** Only entries of a smaller sequence number. */
  readonly before: number | undefined
}

/** The gateway's own record: the chain, the accounts, the equity and the place in the outbox. */
export interface Ledger {
  account(symbol: string, signal: AbortSignal): Promise<StoredAccount | undefined>
  symbols(signal: AbortSignal): Promise<readonly string[]>
  /** Throws `conflict` when the account moved since it was read. */
  commitBar(commit: BarCommit, signal: AbortSignal): Promise<readonly LedgerEntry[]>
  /** A decision that moves no account. */
  append(entry: EntryContent, signal: AbortSignal): Promise<LedgerEntry>

  decision(id: string, signal: AbortSignal): Promise<RecordedDecision | undefined>
  decisionOf(
    symbol: string,
    barTime: number,
    signal: AbortSignal,
  ): Promise<RecordedDecision | undefined>
  /** Newest first. */
  decisions(query: DecisionQuery, signal: AbortSignal): Promise<readonly RecordedDecision[]>
  /** Since a bar time, oldest first. */
  fills(symbol: string, since: number, signal: AbortSignal): Promise<readonly Recorded<Fill>[]>
  equity(symbol: string, since: number, signal: AbortSignal): Promise<readonly EquityPoint[]>
  /** Walks the whole chain. Throws `ledger_broken`, naming the first entry that does not hold. */
  verify(signal: AbortSignal): Promise<void>
  ping(signal: AbortSignal): Promise<void>
}
