import type { Bar } from '@usdcop/observation/bars'
import { createCalendar } from '@usdcop/observation/calendar'
import { SteppedClock } from '@usdcop/service/clock'
import { expect, test } from 'vitest'
import type { MarketData, ReleasedValue } from '../src/market-data.ts'
import { replay } from '../src/replay.ts'
import { planReplay } from '../src/replay-plan.ts'
import { contract } from './contract.ts'

const calendar = createCalendar(contract)
const bar = (time: string): Bar => ({
  symbol: 'USD/COP',
  barTime: Date.parse(`${time}Z`),
  open: 1,
  high: 1,
  low: 1,
  close: 1,
})
const value = (date: string): ReleasedValue => ({
  series: 'dxy',
  date,
  value: 100,
  releasedAt: calendar.releaseInstantOf(date),
})
const iso = (instant: number): string => new Date(instant).toISOString().slice(0, 16)

const data: MarketData = {
  bars: [
    bar('2025-06-10T13:00'),
    { ...bar('2025-06-10T13:05'), barTime: Number.NaN },
    bar('2025-06-11T13:00'),
    bar('2025-06-11T17:55'),
    bar('2025-06-12T13:00'),
    bar('2025-06-12T13:05'),
    bar('2025-06-13T13:00'),
  ],
  macro: [value('2025-06-09'), value('2025-06-10'), value('2025-06-11'), value('2025-06-12')],
  sessions: ['2025-06-10', '2025-06-11', '2025-06-12', '2025-06-13'],
}

test('splits the data at the first session of the replay and ends it at the last', () => {
  const plan = planReplay(data, { from: '2025-06-11', to: '2025-06-12' }, calendar)
  expect(plan.sessions).toEqual(['2025-06-11', '2025-06-12'])
  expect(plan.history.bars).toEqual(data.bars.slice(0, 2))
  expect(plan.bars).toEqual(data.bars.slice(2, 6))
  expect(plan.history.macro.map(({ date }) => date)).toEqual(['2025-06-09'])
  expect(plan.macro.map(({ date }) => date)).toEqual(['2025-06-10', '2025-06-11'])
})

test('replays the newest twenty sessions when nobody says', () => {
  const sessions = Array.from({ length: 30 }, (_, i) =>
    new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10),
  )
  const plan = planReplay({ ...data, sessions }, { from: undefined, to: undefined }, calendar)
  expect(plan.sessions).toEqual(sessions.slice(-20))
})

test('refuses a range without a session and says what there is', () => {
  expect(() => planReplay(data, { from: '2026-01-01', to: undefined }, calendar)).toThrow(
    expect.objectContaining({
      code: 'invalid_request',
      message: expect.stringContaining('2025-06-10 to 2025-06-13'),
    }),
  )
})

function run(resumeAfter = 0, rejects: (bar: Bar) => boolean = () => false) {
  const plan = planReplay(data, { from: '2025-06-11', to: '2025-06-12' }, calendar)
  const clock = new SteppedClock(plan.startsAt)
  const log: string[] = []
  const done = replay(
    plan,
    resumeAfter,
    {
      clock,
      calendar,
      takeBar: async (taken) => {
        log.push(`${iso(clock.now())} bar ${iso(taken.barTime)}`)
        return !rejects(taken)
      },
      takeMacro: async (values) =>
        log.push(`${iso(clock.now())} macro ${values.map(({ date }) => date).join()}`),
      decided: async () => void log.push(`${iso(clock.now())} decided`),
      paceMs: 0,
      onSession: (session, count) => log.push(`session ${session} ${count}`),
    },
    new AbortController().signal,
  )
  return { done, log }
}

test('moves the clock to each release and each close, and on only after the decision', async () => {
  const { done, log } = run()
  await done
  expect(log).toEqual([
    '2025-06-11T12:50 macro 2025-06-10',
    '2025-06-11T13:05 bar 2025-06-11T13:00',
    '2025-06-11T13:05 decided',
    'session 2025-06-11 0',
    '2025-06-11T18:00 bar 2025-06-11T17:55',
    '2025-06-11T18:00 decided',
    'session 2025-06-11 1',
    '2025-06-12T12:50 macro 2025-06-11',
    '2025-06-12T13:05 bar 2025-06-12T13:00',
    '2025-06-12T13:05 decided',
    'session 2025-06-12 1',
    '2025-06-12T13:10 bar 2025-06-12T13:05',
    '2025-06-12T13:10 decided',
    'session 2025-06-12 1',
  ])
})

test('goes on behind the newest bar the stores have', async () => {
  const { done, log } = run(Date.parse('2025-06-12T13:00Z'))
  await done
  expect(log.filter((line) => line.includes(' bar '))).toEqual([
    '2025-06-12T13:10 bar 2025-06-12T13:05',
  ])
})

test('asks for no decision on a bar that was not accepted', async () => {
  const { done, log } = run(0, ({ barTime }) => iso(barTime) === '2025-06-11T17:55')
  await done
  expect(log.filter((line) => line.endsWith('decided'))).toHaveLength(3)
})
