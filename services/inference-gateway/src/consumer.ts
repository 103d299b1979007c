import { AsyncLocalStorage } from 'node:async_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'
import type { Logger } from '@usdcop/service/log'
import type { Outbox, OutboxEvent } from './outbox.ts'

export interface ConsumerDeps {
  readonly outbox: Outbox
  /** Deals with one event and leaves the stored cursor on it; repeated when it throws. */
  readonly handle: (event: OutboxEvent, signal: AbortSignal) => Promise<void>
  /** Done once before the first event, repeated until it succeeds. */
  readonly prepare: (signal: AbortSignal) => Promise<void>
  readonly onPending: (events: number) => void
  readonly onFailure: () => void
  readonly logger: Logger
}

export interface Consumer {
  /** Outbox id of the newest event dealt with; 0 before the first. */
  position(): number
  /** Until the event `id` has been dealt with. */
  drained(id: number, signal: AbortSignal): Promise<void>
  /** Until all that was pending at the call has been dealt with; rejects if that attempt fails. */
  catchUp(signal: AbortSignal): Promise<void>
  /** There may be something new. */
  wake(): void
  /** Rejects while the newest attempt has failed. */
  probe(): Promise<void>
  /** Settles once the loop has ended after the signal. */
  readonly stopped: Promise<void>
}

interface Asker {
  readonly done: PromiseWithResolvers<void>
  /** Runs work as if the asker had called it. */
  readonly within: <Result>(work: () => Result) => Result
}

const BATCH = 200
/** The net under the notifications. */
const POLL_MS = 250
const LONGEST_PAUSE_MS = 5_000

/** From one attempt to the next, if nothing wakes us: longer while the same thing keeps failing. */
export function pauseMs(failuresInARow: number): number {
  return Math.min(LONGEST_PAUSE_MS, POLL_MS * 2 ** failuresInARow)
}

/**
 * Follows the outbox, one event after another and never two at once, until the signal. A failed
 * event is tried again and never skipped: what comes after it depends on it.
 */
export function startConsumer(deps: ConsumerDeps, signal: AbortSignal): Consumer {
  const { outbox, handle, prepare, onPending, onFailure, logger } = deps
  let position = 0
  let prepared = false
  let unwatch: (() => Promise<void>) | undefined
  let failure: Error | undefined
  let failuresInARow = 0
  let nap = new AbortController()
  let asked: Asker[] = []
  const waiting = new Set<() => void>()

  const wake = (): void => nap.abort()
  const moveTo = (id: number): void => {
    position = id
    for (const check of waiting) check()
  }

  async function pump(): Promise<void> {
    if (!prepared) {
      unwatch ??= await outbox.watch(wake)
      moveTo(await outbox.cursor(signal))
      await prepare(signal)
      prepared = true
    }
    for (;;) {
      const events = await outbox.pending(position, BATCH, signal)
      onPending(events.length)
      if (events.length === 0) return
      for (const event of events) {
        signal.throwIfAborted()
        await handle(event, signal)
        moveTo(event.id)
      }
    }
  }

  async function attempt(): Promise<void> {
    const askers = asked
    asked = []
    try {
      // Work that somebody waits for belongs to the trace of who asked first.
      await (askers[0]?.within(pump) ?? pump())
      failure = undefined
      failuresInARow = 0
      for (const { done } of askers) done.resolve()
    } catch (error) {
      failure = error instanceof Error ? error : new Error('not an error', { cause: error })
      for (const { done } of askers) done.reject(error)
      if (signal.aborted) return
      failuresInARow += 1
      onFailure()
      logger.error({ err: error, failuresInARow }, 'the outbox could not be followed; trying again')
    }
  }

  async function run(): Promise<void> {
    try {
      while (!signal.aborted) {
        // Renewed before the attempt, so that a wake during it is not lost.
        nap = new AbortController()
        await attempt()
        const end = AbortSignal.any([signal, nap.signal])
        await sleep(pauseMs(failuresInARow), undefined, { signal: end }).catch(() => {})
      }
    } finally {
      const ended = new ServiceError('not_ready', 'the gateway is stopping')
      failure = ended
      for (const { done } of asked) done.reject(ended)
      for (const check of waiting) check()
      await unwatch?.()
    }
  }

  const stopped = run()
  // Who awaits `stopped` hears of a failed end; who does not must not take the process down.
  stopped.catch((error: unknown) => logger.error({ err: error }, 'the consumer ended'))

  return {
    position: () => position,
    wake,
    stopped,
    drained(id, caller) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const check = (): void => {
        if (position >= id) resolve()
        else if (caller.aborted) reject(caller.reason)
        else if (signal.aborted) reject(new ServiceError('not_ready', 'the gateway is stopping'))
        else return
        waiting.delete(check)
        caller.removeEventListener('abort', check)
      }
      waiting.add(check)
      caller.addEventListener('abort', check)
      wake()
      check()
      return promise
    },
    async catchUp(caller) {
      if (signal.aborted) throw new ServiceError('not_ready', 'the gateway is stopping')
      // Before there is a promise to reject that nobody would be waiting for.
      caller.throwIfAborted()
      const done = Promise.withResolvers<void>()
      asked.push({ done, within: AsyncLocalStorage.snapshot() })
      wake()
      await orAborted(done.promise, caller)
    },
    probe: async () => {
      if (failure !== undefined) throw failure
      if (!prepared) throw new ServiceError('not_ready', 'the outbox has not been read yet')
    },
  }
}

/** The work is shared, so a caller who leaves stops waiting and does not stop the work. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const leave = (): void => reject(signal.reason)
  signal.addEventListener('abort', leave)
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
