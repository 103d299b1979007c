import { marketClock } from '@usdcop/observation/market-clock'
import { expect, test } from 'vitest'
import { type FeedReport, feed } from '../../src/feed/feed.ts'
import { NotNow } from '../../src/feed/keep-trying.ts'
import type { Materializer, RowOutcome } from '../../src/feed/materializer.ts'
import { planFeed } from '../../src/feed/plan.ts'
import { at, bar, calendar, contract, value } from './market.ts'

const ACCEPTED: RowOutcome = { status: 'accepted' }
const NOT_CLOSED: RowOutcome = { status: 'rejected', reason: 'not_closed' }

interface Sent {
  /** The market's time when it came. */
  readonly now: string
  readonly what: string
}

interface Change {
  readonly marketEnd?: string
  readonly bars?: Materializer['bars']
  readonly macro?: Materializer['macro']
  readonly once?: boolean
}

const bars = ['2025-01-02T17:50', '2025-01-02T17:55', '2025-01-03T13:00', '2025-01-03T13:05'].map(
  (label) => bar(label),
)
const macro = [value('2025-01-01'), value('2025-01-02')]

/** Feeds from Thursday 17:57 on, by a clock whose wall stands but for the feed's own waits. */
async function run({ marketEnd, once = false, ...change }: Change = {}) {
  const wall = { instant: 0, now: () => wall.instant }
  const settings = {
    wallStart: 0,
    marketStart: at('2025-01-02T17:57'),
    marketEnd: marketEnd === undefined ? undefined : at(marketEnd),
    speed: 60,
  }
  const clock = marketClock(settings, contract, wall)
  const sent: Sent[] = []
  const told: FeedReport[] = []
  const note = (what: string) => {
    sent.push({ now: new Date(clock.now()).toISOString().slice(0, 16), what })
  }
  const materializer: Materializer = {
    status: async () => ({ definitionHash: '', symbols: [] }),
    bars: async (given, signal) => {
      note(given.map(({ barTime }) => new Date(barTime).toISOString().slice(11, 16)).join(' '))
      return (await change.bars?.(given, signal)) ?? given.map(() => ACCEPTED)
    },
    macro: async (given, signal) => {
      note(`macro ${given.map(({ date }) => date).join(' ')}`)
      return (await change.macro?.(given, signal)) ?? given.map(() => ACCEPTED)
    },
  }
  const place = { startsAt: clock.startsAt, historySessions: 0, stored: new Map() }
  const counts = await feed(
    planFeed({ bars, macro }, place, calendar),
    {
      clock,
      materializer,
      waitUntil: async (instant) => {
        expect(instant).toBeGreaterThan(wall.instant)
        wall.instant = instant
      },
      tell: (report) => told.push(report),
    },
    { once },
    AbortSignal.timeout(10_000),
  )
  return { sent, told, counts }
}

test('sends what is due, then each bar the moment it closes and macro values at their release', async () => {
  const { sent, counts } = await run()
  expect(sent).toEqual([
    { now: '2025-01-02T17:57', what: 'macro 2025-01-01' },
    { now: '2025-01-02T17:57', what: '17:50' },
    { now: '2025-01-02T18:00', what: '17:55' },
    { now: '2025-01-03T12:50', what: 'macro 2025-01-02' },
    { now: '2025-01-03T13:05', what: '13:00' },
    { now: '2025-01-03T13:10', what: '13:05' },
  ])
  expect(counts).toEqual({ accepted: 4, rejected: {}, values: 2, valuesRejected: 0 })
})

test('tells how far the loading is, and of each day when its last bar has been sent', async () => {
  const { told } = await run()
  expect(told).toMatchObject([
    { kind: 'loading', done: 1, total: 2 },
    { kind: 'loading', done: 2, total: 2 },
    { kind: 'loaded', counts: { accepted: 1, values: 1 } },
    { kind: 'day', day: '2025-01-02', counts: { accepted: 1, values: 0 } },
    { kind: 'day', day: '2025-01-03', counts: { accepted: 2, values: 1 } },
  ])
})

test('ends after what is due when it is to run once', async () => {
  const { sent } = await run({ once: true })
  expect(sent.map(({ what }) => what)).toEqual(['macro 2025-01-01', '17:50'])
})

test('ends where the clock does', async () => {
  const { sent } = await run({ marketEnd: '2025-01-03T13:05' })
  expect(sent.at(-1)).toEqual({ now: '2025-01-03T13:05', what: '13:00' })
})

test('sends a bar again that could not be delivered, before any other', async () => {
  let failures = 2
  const { sent, counts } = await run({
    async bars(given) {
      if (given[0]?.barTime === at('2025-01-02T17:55') && failures-- > 0) throw new NotNow('busy')
      return given.map(() => ACCEPTED)
    },
  })
  const times = sent.map(({ what }) => what).filter((what) => !what.startsWith('macro'))
  expect(times).toEqual(['17:50', '17:55', '17:55', '17:55', '13:00', '13:05'])
  expect(counts.accepted).toBe(4)
})

test('sends a bar again for which the materializer’s clock is behind', async () => {
  let early = 1
  const { sent, counts } = await run({
    bars: async (given) => given.map(() => (early-- > 0 ? NOT_CLOSED : ACCEPTED)),
  })
  expect(sent.filter(({ what }) => what === '17:50')).toHaveLength(2)
  expect(counts).toMatchObject({ accepted: 4, rejected: {} })
})

test('counts what is rejected, by reason, and goes on', async () => {
  const { counts } = await run({
    bars: async () => [{ status: 'rejected', reason: 'duplicate' }],
    macro: async () => [{ status: 'rejected', reason: 'unknown macro series: gold' }],
  })
  expect(counts).toEqual({ accepted: 0, rejected: { duplicate: 4 }, values: 0, valuesRejected: 2 })
})

test('stops at a refusal', async () => {
  const refusal = new Error('answered 403')
  await expect(run({ macro: () => Promise.reject(refusal) })).rejects.toBe(refusal)
})
