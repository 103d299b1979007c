export interface OutboxEvent {
  readonly id: number
  readonly topic: string
  readonly payload: unknown
}

/** The materializer's outbox as the gateway reads it. */
export interface Outbox {
  /** Where the gateway's cursor stands; 0 before the first event. */
  cursor(signal: AbortSignal): Promise<number>
  /** Moves the cursor over events that change nothing here; a bar's commit moves it itself. */
  advance(position: number, signal: AbortSignal): Promise<void>
  /** After a position, oldest first, and only what the online writer has finished. */
  pending(after: number, limit: number, signal: AbortSignal): Promise<readonly OutboxEvent[]>
  /** Calls back when there may be something new; missing a call is harmless. Returns the way out. */
  watch(onNews: () => void): Promise<() => Promise<void>>
}
