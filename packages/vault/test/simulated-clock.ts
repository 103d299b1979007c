import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../src/clock.ts'

export interface SimulatedClock extends Clock {
  /** Lets that much time pass: whoever sleeps wakes in order, and what wakes does all that it can before time goes on. */
  pass(ms: number): Promise<void>
}

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export function createSimulatedClock(): SimulatedClock {
  let now = 0
  const sleepers = new Set<Sleeper>()
  const firstBy = (limit: number): Sleeper | undefined => {
    let first: Sleeper | undefined
    for (const one of sleepers)
      if (one.at <= limit && (first === undefined || one.at < first.at)) first = one
    return first
  }
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const sleeper = { at: now + Math.max(0, ms), wake: resolve }
      const leave = () => reject(signal.reason)
      sleepers.add(sleeper)
      signal.addEventListener('abort', leave, { once: true })
      try {
        await promise
      } finally {
        sleepers.delete(sleeper)
        signal.removeEventListener('abort', leave)
      }
    },
    async pass(ms) {
      const target = now + ms
      await settle()
      for (let first = firstBy(target); first !== undefined; first = firstBy(target)) {
        now = Math.max(now, first.at)
        sleepers.delete(first)
        first.wake()
        await settle()
      }
      now = target
      await settle()
    },
  }
}

/** Nothing in a simulation waits for the world, so a few turns of the loop are all there is to do. */
async function settle(): Promise<void> {
  for (let turns = 0; turns < 3; turns += 1) await turn()
}
