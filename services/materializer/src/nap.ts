import { setTimeout as sleep } from 'node:timers/promises'

/** A pause that can be ended early; a wake between two pauses is not lost. */
export interface Nap {
  readonly wake: () => void
  /** Until woken, the time is up or the signal fires. Never rejects. */
  rest(atMostMs: number, signal: AbortSignal): Promise<void>
}

export function createNap(): Nap {
  let woken = new AbortController()
  return {
    wake: () => woken.abort(),
    async rest(atMostMs, signal) {
      const end = AbortSignal.any([signal, woken.signal])
      await sleep(atMostMs, undefined, { signal: end }).catch(() => {})
      woken = new AbortController()
    },
  }
}
