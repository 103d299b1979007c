import type { Bar, BarColumns, RejectReason } from './bars.ts'
import type { Contract } from './contract.ts'
import type { MacroTimeline } from './macro.ts'
import type { BatchResult, FeatureRow } from './rows.ts'

export type StepResult =
  | { readonly kind: 'accepted'; readonly row: FeatureRow }
  | { readonly kind: 'rejected'; readonly reason: RejectReason }

/** The one computation of features: a bar in, a row out, its state explicit and serialisable. */
export declare class Reducer {
  constructor(contract: Contract)
  readonly macro: MacroTimeline
  step(bar: Bar): StepResult
  /** Exactly as many steps, columns in and columns out. */
  batch(bars: BarColumns): BatchResult
  symbols(): string[]
  saveSymbol(symbol: string): Uint8Array
  saveMacro(): Uint8Array
  restoreSymbol(symbol: string, bytes: Uint8Array): void
  restoreMacro(bytes: Uint8Array): void
}
