import { expect, test } from 'vitest'
import { fromSnapshot } from '../../console/state.js'
import { domainNow, performanceOf, priceChange, sessionProgress } from '../../console/summary.js'
import { BAR_MS, barAt, OPENING, snapshotOf, statusAt, tickAt } from './sample.ts'

test('the change is against the close of the session before', () => {
  const bars = [barAt(58, 3_990), barAt(59, 4_000), barAt(0, 4_005, 1), barAt(1, 4_020, 1)]
  expect(priceChange(bars)).toEqual({
    price: 4_020,
    change: 20,
    fraction: 4_020 / 4_000 - 1,
    since: '2025-06-26',
  })
})

test('without a session before, the change is against this one’s first open', () => {
  expect(priceChange([barAt(0, 4_000), barAt(1, 3_980)])).toMatchObject({
    change: -20,
    since: null,
  })
  expect(priceChange([])).toBe(null)
})

test('the session says how far it is and which bars never came', () => {
  const { arrived, place, missing } = sessionProgress([
    barAt(59, 1),
    barAt(0, 1, 1),
    barAt(3, 1, 1),
  ])
  expect({ here: arrived.flatMap((here, at) => (here ? [at] : [])), place, missing }).toEqual({
    here: [0, 3],
    place: 4,
    missing: 2,
  })
})

test('return and falls are since the account was opened, whatever is drawn', () => {
  const { account } = tickAt(barAt(0, 1))
  const traded = { ...account, equity: 540, initialCash: 500, peakEquity: 600 }
  const { fraction, drawdown, deepestDrawdown } = performanceOf({
    ...traded,
    deepestDrawdown: -0.25,
  })
  expect(fraction).toBeCloseTo(0.08, 12)
  expect(drawdown).toBeCloseTo(-0.1, 12)
  expect(deepestDrawdown).toBe(-0.25)
})

test('an account that has not traded has neither return nor drawdown', () => {
  const { account } = tickAt(barAt(0, 1))
  expect(performanceOf(account)).toEqual({ fraction: 0, drawdown: 0, deepestDrawdown: 0 })
})

test.for([
  { name: 'stands between two bars of a replay', mode: 'replay', runsOnMs: 0 },
  { name: 'stands between two bars of a demo', mode: 'demo', runsOnMs: 0 },
  { name: 'runs on in life', mode: 'live', runsOnMs: 7_000 },
] as const)('the market clock $name', ({ mode, runsOnMs }) => {
  const snapshot = snapshotOf([tickAt(barAt(0, 4_000))])
  const state = fromSnapshot({ ...snapshot, status: statusAt(OPENING, { mode }) })
  expect(domainNow(state, 7_000)).toBe(OPENING + BAR_MS + runsOnMs)
})
