import { setTimeout as sleep } from 'node:timers/promises'

export interface Patience {
  readonly signal: AbortSignal
  readonly withinMs: number
}

const PAUSE_MS = 500

/**
 * Asks again until the probe no longer throws, and returns its answer. When the time is over, the
 * error says what was awaited and what the newest attempt saw instead. A probe must obey its signal.
 */
export async function eventually<T>(
  awaited: string,
  probe: (signal: AbortSignal) => Promise<T>,
  { signal, withinMs }: Patience,
): Promise<T> {
  const clock = AbortSignal.timeout(withinMs)
  const within = AbortSignal.any([signal, clock])
  let seen: unknown
  for (;;) {
    try {
      return await probe(within)
    } catch (error) {
      // An attempt that was cut off by the end saw nothing; the one before it did.
      if (!within.aborted || seen === undefined) seen = error
    }
    await sleep(PAUSE_MS, undefined, { signal: within }).catch(() => {})
    signal.throwIfAborted()
    if (clock.aborted)
      throw new Error(`not within ${withinMs / 1_000} s: ${awaited}; last seen: ${wordsOf(seen)}`, {
        cause: seen,
      })
  }
}

function wordsOf(seen: unknown): string {
  if (!(seen instanceof Error)) return String(seen)
  // `fetch failed` by itself says nothing.
  return seen.cause instanceof Error ? `${seen.message} (${seen.cause.message})` : seen.message
}
