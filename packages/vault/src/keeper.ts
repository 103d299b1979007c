import { ServiceError } from '@usdcop/service/errors'
import type { Availability } from './availability.ts'
import type { Clock } from './clock.ts'
import type { Held, HoldingState } from './events.ts'
import * as life from './renewal.ts'
import { untilAborted } from './until-aborted.ts'

/** Something lent, and for how long. */
export interface Lent<T> {
  readonly value: T
  readonly grant: life.Grant
}

export interface KeeperOptions<T> {
  readonly availability: Pick<Availability, 'onUp'>
  readonly clock: Clock
  readonly random: () => number
  readonly obtain: (signal: AbortSignal) => Promise<Lent<T>>
  /** @param fullMs how long it was first lent for */
  readonly renew: (value: T, fullMs: number, signal: AbortSignal) => Promise<life.Grant>
  /** Makes the new one ready for use; only then does it take the place of the old one. A rejection gives it back. */
  readonly adopt?: (value: T, signal: AbortSignal) => Promise<void>
  /** Gives back one that is out of use. A rejection is told and changes nothing: it ends by itself. */
  readonly release: (value: T, signal: AbortSignal) => Promise<void>
  /** Whether an error means that nobody answered, rather than a refusal. */
  readonly isConnectivity: (error: unknown) => boolean
  readonly tell: (held: Held) => void
}

/** Keeps one thing lent by Vault alive, as `renewal.ts` says. */
export interface Keeper<T> extends AsyncDisposable {
  /** Undefined while none is valid. */
  current(): T | undefined
  /**
   * The valid one; waits for a call that is under way, and not out a delay after a failed one.
   * @throws ServiceError why there is none
   */
  get(signal: AbortSignal): Promise<T>
  remainingMs(): number
  /** It is worth nothing any more: another one is obtained. Says nothing about one that is not current. */
  reject(value: T): void
  /** Whoever waits out a delay after a failed call need not: what it failed for may be mended. */
  hurry(): void
  /** Obtains another one now, with the old one in use until then; resolves once it is. */
  replace(signal: AbortSignal): Promise<void>
}

const RELEASE_AT_END_MS = 2_000

export function createKeeper<T>(options: KeeperOptions<T>): Keeper<T> {
  const { clock, random } = options
  const ending = new AbortController()
  /** Of what is given back: that goes on for a moment after the end. */
  const releasing = new AbortController()
  let holding = life.NOTHING_HELD
  let value: T | undefined
  let fault: unknown
  let waiting: PromiseWithResolvers<void> | undefined = quiet()
  let replaced = quiet()
  let demands = 0
  let nudge = new AbortController()
  const releases = new Set<Promise<void>>()

  const tell = (state: HoldingState, error?: unknown) =>
    options.tell(error instanceof ServiceError ? { state, fault: error.code } : { state })
  const valid = () => value !== undefined && life.isValid(holding, clock.now())
  const wake = () => {
    nudge.abort()
    nudge = new AbortController()
  }
  const hurry = () => {
    holding = life.woken(holding, clock.now(), random())
    wake()
  }
  const stopListening = options.availability.onUp(hurry)

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      if (value !== undefined && !valid()) lapse()
      const now = clock.now()
      const step = life.next(holding, now)
      if (step.at > now) {
        const end = holding.grant === undefined ? Infinity : life.expiresAt(holding.grant)
        // The end of what is held is a time of its own: somebody may wait for a call that comes later.
        const until = end > now ? Math.min(step.at, end) : step.at
        await clock
          .sleep(until - now, AbortSignal.any([ending.signal, nudge.signal]))
          .catch(() => {})
      } else if (step.call === 'renew' && value !== undefined) await renew(value)
      else await obtain()
    }
  }

  function lapse(): void {
    value = undefined
    tell('lapsed')
    if (holding.failures === 0) waiting ??= quiet()
  }

  async function obtain(): Promise<void> {
    waiting ??= quiet()
    const asked = clock.now()
    const asOf = demands
    let lent: Lent<T> | undefined
    try {
      lent = await options.obtain(ending.signal)
      await options.adopt?.(lent.value, ending.signal)
    } catch (error) {
      if (lent !== undefined) release(lent.value)
      if (ending.signal.aborted) return
      holding = life.failed(holding, asked, random())
      fault = error
      tell('failed', error)
      waiting.reject(error)
      waiting = undefined
      return
    }
    const old = value
    value = lent.value
    holding = life.obtained(lent.grant, asked, random())
    fault = undefined
    tell('obtained')
    waiting.resolve()
    waiting = undefined
    // Whoever has wanted another one since it was asked for wants one that was asked for later.
    if (asOf < demands) holding = life.unwanted(holding, asked)
    else {
      replaced.resolve()
      replaced = quiet()
    }
    if (old !== undefined) release(old)
  }

  async function renew(held: T): Promise<void> {
    const asked = clock.now()
    try {
      const grant = await options.renew(held, holding.fullMs, ending.signal)
      // Rejected or replaced meanwhile: the answer is about something else.
      if (value !== held || holding.end === 'unwanted') return
      holding = life.renewed(holding, grant, asked, random())
      tell(holding.end === 'capped' ? 'capped' : 'renewed')
    } catch (error) {
      if (ending.signal.aborted || value !== held) return
      fault = error
      const refused = !options.isConnectivity(error)
      holding = refused ? life.unwanted(holding, asked) : life.failed(holding, asked, random())
      tell(refused ? 'refused' : 'failed', error)
    }
  }

  function release(old: T): void {
    const done = options.release(old, releasing.signal).then(
      () => tell('released'),
      (error: unknown) => tell('failed', error),
    )
    releases.add(done)
    void done.finally(() => releases.delete(done))
  }

  const running = run()

  return {
    current: () => (valid() ? value : undefined),
    async get(signal) {
      for (;;) {
        if (value !== undefined && valid()) return value
        ending.signal.throwIfAborted()
        if (waiting === undefined && fault !== undefined) throw fault as ServiceError
        waiting ??= quiet()
        wake()
        await untilAborted(waiting.promise, signal)
      }
    },
    remainingMs: () =>
      valid() && holding.grant !== undefined ? life.expiresAt(holding.grant) - clock.now() : 0,
    reject(dead) {
      if (dead !== value) return
      value = undefined
      holding = life.dropped(holding)
      waiting ??= quiet()
      tell('refused')
      wake()
    },
    hurry,
    async replace(signal) {
      demands += 1
      holding = life.unwanted(holding, holding.calledAt)
      const { promise } = replaced
      wake()
      await untilAborted(promise, signal)
    },
    async [Symbol.asyncDispose]() {
      stopListening()
      ending.abort()
      wake()
      await running
      const error = new DOMException('the identity is closed', 'AbortError')
      waiting?.reject(error)
      replaced.reject(error)
      if (value !== undefined) release(value)
      value = undefined
      const late = setTimeout(() => releasing.abort(error), RELEASE_AT_END_MS)
      await Promise.all(releases)
      clearTimeout(late)
    },
  }
}

/** Nobody may be waiting when it rejects. */
function quiet(): PromiseWithResolvers<void> {
  const deferred = Promise.withResolvers<void>()
  deferred.promise.catch(() => {})
  return deferred
}
