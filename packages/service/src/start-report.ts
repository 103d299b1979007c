/**
 * What the all-in-one process tells the command that started it, one message at a time, so that
 * people see progress while its log stays machine-readable.
 */
export type StartReport =
  | { readonly kind: 'backfill'; readonly done: number; readonly total: number }
  | { readonly kind: 'ready'; readonly ready: ReadyReport }
  | {
      readonly kind: 'session'
      readonly session: string
      readonly done: number
      readonly total: number
    }
  | { readonly kind: 'finished'; readonly summary: ReplaySummary }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }

export interface ReadyReport {
  readonly console: string
  readonly featureServer: string
  readonly materializer: string
  readonly dataDirectory: string
  /** File with the bearer token that may write. */
  readonly writerKeyFile: string
  readonly backfilled: {
    readonly bars: number
    readonly rejected: number
    readonly seconds: number
  } | null
  /** Null when none could be loaded: every decision is then a refusal. */
  readonly model: { readonly name: string; readonly version: string } | null
  /** First and last session of the replay; null when there is nothing left to replay. */
  readonly replay: { readonly from: string; readonly to: string; readonly sessions: number } | null
}

export interface ReplaySummary {
  readonly from: string
  readonly to: string
  readonly bars: number
  readonly signals: Readonly<Record<'LONG' | 'SHORT' | 'FLAT', number>>
  readonly refused: number
  /** How often each reason held; a refusal may have several. */
  readonly reasons: Readonly<Record<string, number>>
  readonly fills: number
  readonly costs: number
  readonly initialCash: number
  readonly equity: number
  readonly currency: string
  /** Largest fall from a peak, as a fraction of the peak. */
  readonly maxDrawdown: number
}

/** Sends a report to the parent process, when there is one that listens. */
export function sendReport(report: StartReport): void {
  if (process.connected === true) process.send?.(report)
}
