import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createCalendar } from '../src/calendar.ts'
import { type MarketClock, type MarketClockSettings, marketClock } from '../src/market-clock.ts'
import { contract } from './demo.ts'

const DAY_MS = 86_400_000
const WALL_START = Date.parse('2026-03-01T09:30:00Z')
const calendar = createCalendar(contract)

const at = (iso: string): number => Date.parse(`${iso}Z`)
const iso = (instant: number): string => new Date(instant).toISOString().slice(0, 19)

/** A clock whose wall a test sets. */
function clockOf(settings: Partial<MarketClockSettings> = {}) {
  const wall = { instant: WALL_START, now: () => wall.instant }
  const whole = { wallStart: WALL_START, marketStart: at('2025-01-02T00:00'), speed: 1 }
  const clock = marketClock({ ...whole, ...settings }, contract, wall)
  return {
    clock,
    wall,
    /** Market time so many wall milliseconds after the start. */
    after: (wallMs: number): number => {
      wall.instant = WALL_START + wallMs
      return clock.now()
    },
  }
}

/** 12:50, when macro values are released, until the last bar (closed at 18:00) is 10 minutes old. */
function isOpen(instant: number): boolean {
  const time = instant % DAY_MS
  const day = (instant - time) / DAY_MS
  const inHours = time >= at('1970-01-01T12:50') && time <= at('1970-01-01T18:10')
  return inHours && calendar.kindOf(day) === 'session'
}

const speeds = fc.oneof(
  fc.constantFrom(1, 30, 60, 120, 1_000),
  fc.double({ min: 0.01, max: 1_000, noNaN: true }),
)
const settings: fc.Arbitrary<Partial<MarketClockSettings>> = fc.record({
  speed: speeds,
  marketStart: fc.integer({ min: at('2020-01-01T00:00'), max: at('2026-01-01T00:00') }),
  // At least a fortnight on, so that the market opens in between.
  marketEnd: fc.option(fc.integer({ min: at('2026-01-15T00:00'), max: at('2027-01-01T00:00') }), {
    nil: undefined,
  }),
})
const wallMs = fc.integer({ min: -DAY_MS, max: 4 * DAY_MS })

describe('market time', () => {
  test.for([
    { speed: 1, wallMs: 0, market: '2025-01-02T12:50:00' },
    { speed: 1, wallMs: 60_000, market: '2025-01-02T12:51:00' },
    { speed: 60, wallMs: 60_000, market: '2025-01-02T13:50:00' },
    { speed: 1_000, wallMs: 19_199, market: '2025-01-02T18:09:59' },
    // Thursday's hours are over: 320 minutes, and the clock is at Friday's opening.
    { speed: 1_000, wallMs: 19_200, market: '2025-01-03T12:50:00' },
    // Friday's are: a weekend, and Epiphany on its Monday, 6 January.
    { speed: 1_000, wallMs: 2 * 19_200, market: '2025-01-07T12:50:00' },
    { speed: 60, wallMs: 2 * 320_000 + 60_000, market: '2025-01-07T13:50:00' },
  ])('at $speed times is $market after $wallMs ms', ({ speed, wallMs: passed, market }) => {
    expect(iso(clockOf({ speed }).after(passed))).toBe(market)
  })

  test('stands at its start until the wall has come to it', () => {
    const marketStart = at('2025-01-02T15:07')
    const { after } = clockOf({ marketStart, speed: 1_000 })
    expect([after(-DAY_MS), after(0), after(1)]).toEqual([
      marketStart,
      marketStart,
      marketStart + 1_000,
    ])
  })

  test('begins where the market opens when it is told to begin outside its hours', () => {
    const { clock } = clockOf({ marketStart: at('2025-01-03T18:30') })
    expect([iso(clock.startsAt), iso(clock.now())]).toEqual(Array(2).fill('2025-01-07T12:50:00'))
  })

  test.for([
    { marketEnd: '2025-01-07T14:00', endsAt: '2025-01-07T14:00:00', why: 'within hours' },
    { marketEnd: '2025-01-06T14:00', endsAt: '2025-01-03T18:10:00', why: 'on a holiday' },
    { marketEnd: '2025-01-03T23:59', endsAt: '2025-01-03T18:10:00', why: 'at night' },
    { marketEnd: '2025-01-03T18:10', endsAt: '2025-01-03T18:10:00', why: 'at the close' },
  ])('stops for good at an end $why', ({ marketEnd, endsAt }) => {
    const { clock, after } = clockOf({ marketEnd: at(marketEnd), speed: 1_000 })
    expect([clock.endsAt, after(400 * DAY_MS)].map(iso)).toEqual([endsAt, endsAt])
    expect(after(clock.wallAt(clock.endsAt) - WALL_START - 1)).toBeLessThan(clock.endsAt)
    expect(clock.wallAt(clock.endsAt + 1)).toBe(Number.POSITIVE_INFINITY)
  })

  test.for([
    { name: 'before it begins', marketEnd: '2025-01-01T00:00' },
    { name: 'before the first opening', marketEnd: '2025-01-02T12:00' },
  ])('is refused with an end $name', ({ marketEnd }) => {
    expect(() => clockOf({ marketEnd: at(marketEnd) })).toThrow(
      expect.objectContaining({ code: 'clock_invalid' }),
    )
  })

  test('goes on for years without an end', () => {
    const { clock, after } = clockOf({ speed: 1_000 })
    expect(clock.endsAt).toBe(Number.POSITIVE_INFINITY)
    expect(iso(after(30 * DAY_MS))).toMatch(/^2597-/)
    expect(isOpen(clock.now())).toBe(true)
  })

  test('never runs back, and is never in closed hours', () => {
    fc.assert(
      fc.property(settings, fc.array(wallMs, { minLength: 2, maxLength: 40 }), (given, walls) => {
        const { clock, after } = clockOf(given)
        const times = walls.sort((a, b) => a - b).map(after)
        expect(times).toEqual([...times].sort((a, b) => a - b))
        expect(times.filter((time) => !isOpen(time)).map(iso)).toEqual([])
        expect(Math.max(...times)).toBeLessThanOrEqual(clock.endsAt)
      }),
    )
  })

  test('is the same on every clock, whatever each was asked before', () => {
    fc.assert(
      fc.property(settings, fc.array(wallMs, { maxLength: 40 }), wallMs, (given, walls, last) => {
        const busy = clockOf(given)
        for (const wall of walls) busy.clock.wallAt(busy.after(wall))
        expect(busy.after(last)).toBe(clockOf(given).after(last))
      }),
    )
  })

  test('moves a session a session when it moves', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), (sessions) => {
        const { after } = clockOf({ speed: 1_000 })
        let day = '2025-01-02'
        for (let i = 0; i < sessions; i++) day = calendar.nextSessionDay(day)
        expect(iso(after(sessions * 19_200))).toBe(`${day}T12:50:00`)
      }),
    )
  })
})

describe('the wall instant of a market instant', () => {
  /** Whether the market is there at the instant found, and was not a millisecond before. */
  const isFirst = ({ clock, wall }: ReturnType<typeof clockOf>, instant: number): boolean => {
    const found = clock.wallAt(instant)
    const there = [found - 1, found].map((wallInstant) => {
      wall.instant = wallInstant
      return clock.now() >= instant
    })
    return there[0] === false && there[1] === true
  }

  test('is the first at which the market is there', () => {
    fc.assert(
      fc.property(settings, fc.integer({ min: 1, max: 400 * DAY_MS }), (given, ahead) => {
        const made = clockOf(given)
        const { startsAt, endsAt } = made.clock
        expect(isFirst(made, Math.min(endsAt, startsAt + ahead))).toBe(true)
      }),
    )
  })

  // Speeds at which a quotient of floats is off by one, up or down.
  test.for([0.29, 0.57, 0.7, 2.3])('is exact at a speed of %d', (speed) => {
    const made = clockOf({ speed })
    const { startsAt } = made.clock
    const missed = Array.from({ length: 3_000 }, (_, i) => startsAt + i + 1).filter(
      (instant) => !isFirst(made, instant),
    )
    expect(missed).toEqual([])
  })

  test('comes back to a market instant that the clock has shown', () => {
    fc.assert(
      fc.property(settings, wallMs, (given, passed) => {
        const made = clockOf(given)
        const shown = made.after(passed)
        fc.pre(shown > made.clock.startsAt)
        expect(isFirst(made, shown)).toBe(true)
      }),
    )
  })

  test('is any for where the market stands before it begins', () => {
    const { clock } = clockOf()
    expect(clock.wallAt(clock.startsAt)).toBe(Number.NEGATIVE_INFINITY)
  })

  test('at night is that of the next opening', () => {
    const { clock }: { clock: MarketClock } = clockOf({ speed: 60 })
    const openings = ['2025-01-03T20:00', '2025-01-05T13:00', '2025-01-07T12:50'].map(at)
    expect(openings.map((instant) => clock.wallAt(instant))).toEqual(
      Array(3).fill(WALL_START + 2 * 320_000),
    )
  })
})
