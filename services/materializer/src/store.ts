import type { MacroValue } from '@usdcop/observation/macro'
import type { AcceptedBar } from './bar-closed.ts'

/** What one batch changes. It becomes durable whole or not at all. */
export interface Commit {
  /** Who sent the batch; rejections and checkpoints are kept by source. */
  readonly source: string
  readonly accepted: readonly AcceptedBar[]
  readonly rejected: Readonly<Record<string, number>>
  readonly macro: readonly MacroValue[]
  readonly state: SavedState
}

/** The reducer as of a commit; symbols that did not change may be left out when saving. */
export interface SavedState {
  readonly symbols: ReadonlyMap<string, Uint8Array>
  /** Undefined when the macro timeline did not change. */
  readonly macro: Uint8Array | undefined
  /** Domain instant of the newest change to macro values that were usable already; 0 for none. */
  readonly macroChangedAt: number
}

/** The durable side of the materializer. */
export interface MaterializerStore {
  load(signal: AbortSignal): Promise<SavedState>
  /** Bars, rows, state, counts and outbox events in one transaction, then wakes the consumers. */
  commit(commit: Commit, signal: AbortSignal): Promise<void>
}
