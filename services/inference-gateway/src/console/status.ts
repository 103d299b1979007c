import type { MarketClock } from '@usdcop/observation/market-clock'
import type { DomainClock } from '@usdcop/service/clock'
import type { ConsoleStatus } from './wire.ts'

/** Who runs the market tells the console how far it has come. */
export interface StatusSource {
  current(): ConsoleStatus
  /** Calls back on every change; returns the way out. */
  subscribe(onChange: (status: ConsoleStatus) => void): () => void
}

/** A service of its own: the market is the world's, and only its time changes. */
export function liveStatus(clock: DomainClock): StatusSource {
  return {
    current: () => ({
      mode: 'live',
      state: 'running',
      speed: null,
      now: clock.now(),
      from: null,
      to: null,
      progress: null,
    }),
    subscribe: () => () => {},
  }
}

/** The same on a market clock: days that are gone, at `speed` times their pace. */
export function demoStatus(clock: MarketClock, speed: number): StatusSource {
  return {
    current() {
      const now = clock.now()
      return {
        mode: 'demo',
        state: now < clock.endsAt ? 'running' : 'finished',
        speed,
        now,
        from: isoDay(clock.startsAt),
        to: Number.isFinite(clock.endsAt) ? isoDay(clock.endsAt) : null,
        progress: null,
      }
    },
    subscribe: () => () => {},
  }
}

function isoDay(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}
