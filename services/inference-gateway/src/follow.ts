import { withSpan } from '@usdcop/tracing/spans'
import { type DecideDeps, type Decided, decideBar } from './decide.ts'
import { BarClosed } from './event.ts'
import type { Outbox, OutboxEvent } from './outbox.ts'
import { decisionAttributes } from './spans.ts'

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
  return async (event, signal) => {
    const decided = event.topic === 'bar_closed' ? await processBar(deps, event, signal) : undefined
    if (decided === undefined) await deps.outbox.advance(event.id, signal)
    else deps.onDecided(decided)
  }
}

/** In a span of its own: a trace's root, or the child of the question that was waiting for this bar. */
function processBar(
  deps: DecideDeps,
  { id, payload }: OutboxEvent,
  signal: AbortSignal,
): Promise<Decided | undefined> {
  return withSpan('process bar_closed', { kind: 'consumer' }, async (span) => {
    const decided = await decideBar(deps, BarClosed.parse(payload), id, signal)
    if (decided !== undefined) {
      const { event, verdict } = decided
      const { symbol } = event
      span.setAttributes(decisionAttributes({ symbol, trigger: 'bar', ...verdict }))
    }
    return decided
  })
}
