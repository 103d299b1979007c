import { type DecideDeps, type Decided, decideBar } from './decide.ts'
import { BarClosed } from './event.ts'
import type { Outbox, OutboxEvent } from './outbox.ts'

export interface FollowDeps extends DecideDeps {
  readonly outbox: Outbox
  readonly onDecided: (decided: Decided) => void
}

/**
 * What the gateway does with an outbox event: a closed bar is decided on, everything else is passed
 * over. An event that does not parse throws, and so stops the outbox here: nothing is decided on
 * what is not understood.
 */
export function followOutbox(
  deps: FollowDeps,
): (event: OutboxEvent, signal: AbortSignal) => Promise<void> {
  return async ({ id, topic, payload }, signal) => {
    const decided =
      topic === 'bar_closed'
        ? await decideBar(deps, BarClosed.parse(payload), id, signal)
        : undefined
    if (decided === undefined) await deps.outbox.advance(id, signal)
    else deps.onDecided(decided)
  }
}
