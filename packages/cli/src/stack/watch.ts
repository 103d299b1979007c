import { setTimeout as sleep } from 'node:timers/promises'
import type { Container } from './container.ts'
import { allUp, type Step, stepsOf } from './waiting.ts'

export interface WatchOptions {
  readonly services: readonly string[]
  readonly before: readonly Container[]
  readonly look: (signal: AbortSignal) => Promise<readonly Container[]>
  /** Ends with Compose's exit code; it is asked to stop when `signal` fires. */
  readonly compose: (signal: AbortSignal) => Promise<number>
  readonly limitMs: number
  readonly onSteps: (steps: readonly Step[], elapsedMs: number) => void
  /** Monotonic, in ms. */
  readonly now?: () => number
  readonly everyMs?: number
}

export interface Outcome {
  readonly end: 'up' | 'failed' | 'compose-failed' | 'timed-out'
  readonly steps: readonly Step[]
  readonly elapsedMs: number
}

/**
 * Runs Compose and looks at the containers until all are up, one has failed, Compose has, or the time
 * is over. Compose waits for health itself where one service needs another, so both go on at once.
 */
export async function watchUp(options: WatchOptions, signal: AbortSignal): Promise<Outcome> {
  const { services, before, look, compose, limitMs, onSteps } = options
  const { now = () => performance.now(), everyMs = 1_000 } = options
  const enough = new AbortController()
  const startedAt = now()
  const firstSeen = new Map<string, number>()
  const composed: { end?: { readonly code: number } | { readonly fault: unknown } } = {}
  const composing = compose(AbortSignal.any([signal, enough.signal])).then(
    (code) => {
      composed.end = { code }
    },
    (fault: unknown) => {
      composed.end = { fault }
    },
  )
  try {
    for (;;) {
      // Asked before the look: what Compose did last is then in it.
      const ended = composed.end
      const containers = await look(signal)
      const elapsedMs = now() - startedAt
      const steps = stepsOf({
        services,
        containers,
        before,
        settled: ended !== undefined,
        seenForMs: (container) => now() - seen(firstSeen, container, now()),
      })
      onSteps(steps, elapsedMs)
      if (ended !== undefined && 'fault' in ended) throw ended.fault
      if (ended !== undefined && ended.code !== 0)
        return { end: 'compose-failed', steps, elapsedMs }
      if (steps.some(({ step }) => step === 'failed')) return { end: 'failed', steps, elapsedMs }
      if (ended !== undefined && allUp(steps)) return { end: 'up', steps, elapsedMs }
      if (elapsedMs >= limitMs) return { end: 'timed-out', steps, elapsedMs }
      await sleep(everyMs, undefined, { signal })
    }
  } finally {
    enough.abort()
    await composing
  }
}

/** A restarted container starts anew. */
function seen(firstSeen: Map<string, number>, { id, startedAt }: Container, now: number): number {
  const key = `${id} ${startedAt}`
  const at = firstSeen.get(key) ?? now
  firstSeen.set(key, at)
  return at
}
