import { ServiceError } from '@usdcop/service/errors'
import type { Clock } from './clock.ts'

/**
 * Whether a server is worth asking, shared by every identity of a process.
 *
 * - *up*: requests go out. Two in a row without a usable answer make it *down*.
 * - *down*: no request goes out; callers are told at once what the last one was told. One probe a second, which carries
 *   no identity, asks whether the server is back; once it is, and the time below is over, it is *up* and whoever waits is woken.
 *
 * A server that says it is well and still answers nothing is left alone longer each time: 1, 2, 4 … 60 seconds.
 */
export interface Availability extends AsyncDisposable {
  readonly up: boolean
  /** @throws ServiceError the last fault, while down */
  assertUp(): void
  succeeded(): void
  failed(fault: ServiceError): void
  /** Called each time it comes back, until the returned function is. */
  onUp(listener: () => void): () => void
}

export interface AvailabilityOptions {
  readonly clock: Clock
  /** True once the server can answer requests; a rejection means not yet. */
  readonly probe: (signal: AbortSignal) => Promise<boolean>
  readonly changed: (up: boolean, reason: string) => void
}

const FAILURES_TO_OPEN = 2
const PROBE_EVERY_MS = 1_000
const LONGEST_HOLD_MS = 60_000

export function createAvailability({ clock, probe, changed }: AvailabilityOptions): Availability {
  const listeners = new Set<() => void>()
  const ending = new AbortController()
  let failures = 0
  let openings = 0
  let fault: ServiceError | undefined
  let probing: Promise<void> = Promise.resolve()

  async function awaitRecovery(): Promise<void> {
    const notBefore = clock.now() + Math.min(1_000 * 2 ** (openings - 1), LONGEST_HOLD_MS)
    while (!ending.signal.aborted) {
      try {
        await clock.sleep(PROBE_EVERY_MS, ending.signal)
        const well = await probe(ending.signal)
        if (well && clock.now() >= notBefore) return comeBack()
      } catch {
        // Not yet: a probe that fails is what it is there for, and at the end the loop's condition holds.
      }
    }
  }

  function comeBack(): void {
    fault = undefined
    failures = 0
    changed(true, 'ok')
    for (const listener of listeners) listener()
  }

  return {
    get up() {
      return fault === undefined
    },
    assertUp() {
      if (fault !== undefined) throw new ServiceError(fault.code, fault.message)
    },
    succeeded() {
      failures = 0
      openings = 0
    },
    failed(seen) {
      failures += 1
      if (fault !== undefined || failures < FAILURES_TO_OPEN || ending.signal.aborted) return
      fault = seen
      openings += 1
      changed(false, seen.code)
      probing = awaitRecovery()
    },
    onUp(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      await probing
    },
  }
}
