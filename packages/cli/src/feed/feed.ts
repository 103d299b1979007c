import type { MarketClock } from '@usdcop/observation/market-clock'
import { DueQueue } from './due-queue.ts'
import { keepTrying, NotNow } from './keep-trying.ts'
import type { Materializer } from './materializer.ts'
import type { FeedBar, FeedPlan } from './plan.ts'
import { type FeedCounts, Tally } from './tally.ts'

/** What a feed tells while it runs. */
export type FeedReport =
  | { readonly kind: 'loading'; readonly done: number; readonly total: number }
  | { readonly kind: 'loaded'; readonly counts: FeedCounts; readonly seconds: number }
  /** The last bar of a day has been sent. */
  | { readonly kind: 'day'; readonly day: string; readonly counts: FeedCounts }
  | { readonly kind: 'away'; readonly why: string }
  | { readonly kind: 'back' }
  /** Whoever has the key is away. */
  | { readonly kind: 'keyless'; readonly why: string }
  | { readonly kind: 'rekeyed' }
  /** What stands in the secret is no key; the last one is used. */
  | { readonly kind: 'unkeyed'; readonly path: string }
  /** Somebody else has opened a wrapping token that was meant for the feed. */
  | { readonly kind: 'alert' }

export interface FeedDeps {
  readonly clock: Pick<MarketClock, 'now' | 'wallAt'>
  readonly materializer: Materializer
  readonly waitUntil: (wallInstant: number, signal: AbortSignal) => Promise<void>
  readonly tell: (report: FeedReport) => void
}

// Small enough that loading is seen to move, large enough that its pace is the materializer's.
const BARS_AT_A_TIME = 500
const VALUES_AT_A_TIME = 2_500

/**
 * Sends what a plan holds: first all that is due by the clock, then each bar the moment it closes and
 * macro values at their release, until the bars or the clock's time are at their end. What cannot be
 * delivered is tried again and never skipped, so bars arrive in order, whatever was down meanwhile.
 *
 * @param once end when all is sent that is due
 */
export async function feed(
  plan: FeedPlan,
  { clock, materializer, waitUntil, tell }: FeedDeps,
  { once }: { readonly once: boolean },
  signal: AbortSignal,
): Promise<FeedCounts> {
  const startedAt = performance.now()
  const values = new DueQueue(plan.macro)
  const bars = new DueQueue(plan.bars)
  const all = new Tally()
  let today = new Tally()
  let day = dayOf(bars.next)
  const patience = {
    onAway: (why: string) => tell({ kind: 'away', why }),
    onBack: () => tell({ kind: 'back' }),
  }

  /** The macro values that are due, then the bars: a bar needs what was released before its close. */
  async function sendDue(onSent: () => void): Promise<void> {
    for (;;) {
      const now = clock.now()
      const released = values.takeDue(now, VALUES_AT_A_TIME)
      const closed = released.length > 0 ? [] : bars.takeDue(now, BARS_AT_A_TIME)
      if (released.length > 0) {
        const send = () => materializer.macro(released, signal)
        const outcomes = await keepTrying(send, patience, signal)
        for (const tally of [all, today]) tally.addValues(outcomes)
      } else if (closed.length > 0) await sendBars(closed)
      else return
      onSent()
    }
  }

  async function sendBars(closed: readonly FeedBar[]): Promise<void> {
    let left = closed
    async function send(): Promise<void> {
      const outcomes = await materializer.bars(left, signal)
      const open = outcomes.findIndex(({ reason }) => reason === 'not_closed')
      const dealtWith = open === -1 ? outcomes.length : open
      for (const tally of [all, today]) tally.addBars(outcomes.slice(0, dealtWith))
      left = left.slice(dealtWith)
      if (left.length > 0) throw new NotNow('the materializer’s clock is behind this one')
    }
    await keepTrying(send, patience, signal)
  }

  function turnDay(): void {
    const next = dayOf(bars.next)
    if (next === day) return
    if (day !== undefined) tell({ kind: 'day', day, counts: today.counts })
    day = next
    today = new Tally()
  }

  const total = values.countDue(clock.now()) + bars.countDue(clock.now())
  await sendDue(() => tell({ kind: 'loading', done: values.taken + bars.taken, total }))
  const seconds = (performance.now() - startedAt) / 1_000
  tell({ kind: 'loaded', counts: all.counts, seconds })
  day = dayOf(bars.next)
  today = new Tally()
  while (!once && bars.next !== undefined) {
    const wallInstant = clock.wallAt(Math.min(bars.next.at, values.next?.at ?? bars.next.at))
    // The clock stops before that.
    if (wallInstant === Number.POSITIVE_INFINITY) break
    await waitUntil(wallInstant, signal)
    await sendDue(turnDay)
  }
  return all.counts
}

function dayOf(bar: FeedBar | undefined): string | undefined {
  return bar && new Date(bar.barTime).toISOString().slice(0, 10)
}
