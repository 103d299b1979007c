import type { MacroValue } from '@usdcop/observation/macro'
import type { AcceptedBar } from './bar-closed.ts'

/** What one batch changes. It becomes durable whole or not at all. */
export interface Commit {
  /** Who sent the batch; rejections and checkpoints are kept by source. */
  readonly source: string
  readonly accepted: readonly AcceptedBar[]
  readonly rejected: Readonly<Record<string, number>>
  readonly macro: readonly MacroValue[]
  /** Sessions of accepted bars that are over, and so may be sealed without them. */
  readonly reopened: readonly string[]
  readonly state: SavedState
}

/** The reducer as of a commit; what did not change may be left out when saving. */
export interface SavedState {
  readonly symbols: ReadonlyMap<string, Uint8Array>
  readonly macro: SavedMacro | undefined
}

export interface SavedMacro {
  readonly timeline: Uint8Array
  /** Domain instant of the newest change to values that were usable already; 0 for none. */
  readonly changedAt: number
}

/** The durable side of the materializer. */
export interface MaterializerStore {
  load(signal: AbortSignal): Promise<SavedState>
  /** Bars, rows, state, counts and outbox events in one transaction, then wakes the consumers. */
  commit(commit: Commit, signal: AbortSignal): Promise<void>
}
