import { setTimeout as sleep } from 'node:timers/promises'

/** Not now: who was asked is away, overloaded or behind, and trying again may help. */
export class NotNow extends Error {
  override readonly name = 'NotNow'
}

export interface Patience {
  /** Told once of an outage that lasts, and why. */
  readonly onAway: (why: string) => void
  /** Told once when it is over. */
  readonly onBack: () => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** What is over by then is not worth a word. */
const TOLD_AFTER = 4

/** From one attempt to the next: longer while it goes on failing, up to five seconds. */
export function pauseMs(failuresInARow: number): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failuresInARow - 1))
}

/** Tries until it works, fails for another reason than `NotNow`, or the signal fires. */
export async function keepTrying<T>(
  attempt: () => Promise<T>,
  { onAway, onBack }: Patience,
  signal: AbortSignal,
): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      const result = await attempt()
      if (failures > TOLD_AFTER) onBack()
      return result
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof NotNow)) throw error
      if (failures === TOLD_AFTER) onAway(error.message)
      await sleep(pauseMs(failures), undefined, { signal })
    }
  }
}
