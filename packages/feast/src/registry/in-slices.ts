import { setImmediate as nextTurn } from 'node:timers/promises'

/** Short beside a request: whoever waits behind a slice hardly notices. */
const SLICE_MS = 1

/**
 * Takes steps one after another, and after a millisecond of them lets everybody else of the event loop
 * have a turn.
 * @param now monotonic milliseconds
 */
export async function inSlices(
  steps: Iterable<unknown>,
  signal: AbortSignal,
  now: () => number = () => performance.now(),
): Promise<void> {
  let began = now()
  for (const _step of steps) {
    if (now() - began < SLICE_MS) continue
    await nextTurn(undefined, { signal })
    began = now()
  }
}
