import { setTimeout as sleep } from 'node:timers/promises'
import type { Bar } from '@usdcop/observation/bars'
import type { Calendar } from '@usdcop/observation/calendar'
import type { MacroValue } from '@usdcop/observation/macro'
import type { SteppedClock } from '@usdcop/service/clock'
import type { ReleasedValue } from './market-data.ts'
import type { ReplayPlan } from './replay-plan.ts'

export interface ReplayDeps {
  readonly clock: SteppedClock
  readonly calendar: Calendar
  /** Resolves when the bar is durable; true when it was accepted. */
  readonly takeBar: (bar: Bar, signal: AbortSignal) => Promise<boolean>
  readonly takeMacro: (values: readonly MacroValue[], signal: AbortSignal) => Promise<unknown>
  /** Resolves when everything taken so far has been decided on. */
  readonly decided: (signal: AbortSignal) => Promise<void>
  /** Milliseconds between bars; 0 is as fast as it goes. */
  readonly paceMs: number
  readonly onSession: (session: string, done: number) => void
}

/**
 * Hands the bars of a plan to the platform, one at a time. The domain clock moves to the close of a
 * bar only after the bar before has been decided on, so freshness and session rules hold as in life.
 * Started again over the same stores it goes on where they stand: what they have is known to them as
 * `duplicate` or `unchanged`, and `resumeAfter` spares the way there.
 *
 * @param resumeAfter label of the newest bar the stores have; the replay goes on behind it
 */
export async function replay(
  plan: ReplayPlan,
  resumeAfter: number,
  deps: ReplayDeps,
  signal: AbortSignal,
): Promise<void> {
  const { clock, calendar, takeBar, takeMacro, decided, paceMs, onSession } = deps
  const release = releaser(plan.macro, clock, takeMacro)
  let due = performance.now()
  for (const bar of plan.bars) {
    if (bar.barTime <= resumeAfter) continue
    const closesAt = bar.barTime + calendar.barMs
    await release(closesAt, signal)
    clock.advanceTo(closesAt)
    if (!(await takeBar(bar, signal))) continue
    await decided(signal)
    const session = new Date(bar.barTime).toISOString().slice(0, 10)
    onSession(session, plan.sessions.indexOf(session) + (isLast(bar, calendar) ? 1 : 0))
    due += paceMs
    const earlyMs = due - performance.now()
    if (earlyMs > 0) await sleep(earlyMs, undefined, { signal })
    // A pace that cannot be kept is not made up for later.
    else due = performance.now()
    signal.throwIfAborted()
  }
}

/** Publishes what is released by an instant, each batch at its own release instant, in order. */
function releaser(
  macro: readonly ReleasedValue[],
  clock: SteppedClock,
  takeMacro: ReplayDeps['takeMacro'],
): (instant: number, signal: AbortSignal) => Promise<void> {
  let next = 0
  return async (instant, signal) => {
    for (;;) {
      const releasedAt = macro[next]?.releasedAt
      if (releasedAt === undefined || releasedAt > instant) return
      const end = macro.findIndex((value, i) => i >= next && value.releasedAt !== releasedAt)
      const batch = macro.slice(next, end === -1 ? undefined : end)
      clock.advanceTo(releasedAt)
      await takeMacro(
        batch.map(({ series, date, value }) => ({ series, date, value })),
        signal,
      )
      next += batch.length
    }
  }
}

function isLast(bar: Bar, calendar: Calendar): boolean {
  const time = bar.barTime % 86_400_000
  return time === calendar.lastBarMs
}
