import { marketClock } from '@usdcop/observation/market-clock'
import { expect, test } from 'vitest'
import { demoStatus, liveStatus } from '../src/console/status.ts'
import { contract } from './support/market.ts'

test('on a market clock the console hears that it is a demo, how fast, and from when to when', () => {
  const wall = { instant: 0, now: () => wall.instant }
  const settings = {
    wallStart: 0,
    marketStart: Date.parse('2025-01-02'),
    marketEnd: Date.parse('2025-01-04'),
    speed: 60,
  }
  const status = demoStatus(marketClock(settings, contract, wall), settings.speed)
  wall.instant = 60_000
  expect(status.current()).toEqual({
    mode: 'demo',
    state: 'running',
    speed: 60,
    now: Date.parse('2025-01-02T13:50:00Z'),
    from: '2025-01-02',
    to: '2025-01-03',
    progress: null,
  })
  wall.instant = 86_400_000
  expect(status.current()).toMatchObject({
    state: 'finished',
    now: Date.parse('2025-01-03T18:10:00Z'),
  })
})

test('in life it hears the time alone', () => {
  expect(liveStatus({ now: () => 7 }).current()).toMatchObject({
    mode: 'live',
    speed: null,
    now: 7,
  })
})
