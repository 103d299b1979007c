import { expect, test } from 'vitest'
import { applyStatus, applyTick, fromSnapshot, MAX_BARS } from '../../console/state.js'
import { BAR_MS, barAt, decisionAt, OPENING, snapshotOf, statusAt, tickAt } from './sample.ts'

const fillAt = (barTime: number) => ({ barTime, from: 0, to: 1, price: 4_000, costCop: 680_000 })

test('a snapshot followed by ticks equals the snapshot taken after them, cut anywhere', () => {
  const ticks = Array.from({ length: 40 }, (_, index) => {
    const bar = barAt(index, 4_000 + index)
    return tickAt(bar, { fills: index % 9 === 7 ? [fillAt(bar.barTime)] : [] })
  })
  const { status: _, ...expected } = fromSnapshot(snapshotOf(ticks))
  for (let cut = 0; cut <= ticks.length; cut += 1) {
    const start = fromSnapshot(snapshotOf(ticks.slice(0, cut)))
    const { status: __, ...stepped } = ticks.slice(cut).reduce(applyTick, start)
    expect(stepped).toEqual(expected)
  }
})

test('a tick that was already received changes nothing', () => {
  const state = fromSnapshot(snapshotOf([tickAt(barAt(0, 4_000)), tickAt(barAt(1, 4_001))]))
  expect(applyTick(state, tickAt(barAt(1, 4_009)))).toBe(state)
  expect(applyTick(state, tickAt(barAt(0, 4_009)))).toBe(state)
})

test('a tick whose bar the snapshot already lists still brings its decision and its equity', () => {
  const [before, after] = [tickAt(barAt(0, 4_000)), tickAt(barAt(1, 4_001))]
  const ahead = { ...snapshotOf([before]), bars: [before.bar, after.bar] }
  expect(applyTick(fromSnapshot(ahead), after)).toMatchObject({
    bars: [before.bar, after.bar],
    decisions: [before.decision, after.decision],
    equity: [before.equity, after.equity],
    last: after,
  })
})

test('what is held stays bounded however many ticks arrive', () => {
  let state = fromSnapshot(snapshotOf([]))
  for (let index = 0; index < 2_000; index += 1) {
    const bar = barAt(index % 60, 4_000, Math.floor(index / 60))
    state = applyTick(state, tickAt(bar, { fills: [fillAt(bar.barTime)] }))
  }
  const { bars, decisions, fills, equity, latenciesMs } = state
  expect([bars, decisions, fills, equity, latenciesMs].map((list) => list.length)).toEqual([
    MAX_BARS,
    MAX_BARS,
    MAX_BARS,
    MAX_BARS,
    120,
  ])
})

test('a slice that a tick does not touch keeps its identity', () => {
  const state = fromSnapshot(snapshotOf([tickAt(barAt(0, 4_000))]))
  const next = applyTick(state, tickAt(barAt(1, 4_000), { decision: null }))
  expect(next.decisions).toBe(state.decisions)
  expect(next.fills).toBe(state.fills)
  expect(next.bars).not.toBe(state.bars)
})

test('a status never turns the clock back', () => {
  const state = fromSnapshot(snapshotOf([tickAt(barAt(3, 4_000))]))
  const finished = applyStatus(state, statusAt(OPENING, { state: 'finished' }))
  expect({ state: finished.status.state, now: finished.now }).toEqual({
    state: 'finished',
    now: OPENING + 4 * BAR_MS,
  })
})

test('a decision whose latency is not known does not count as an instant one', () => {
  const bar = barAt(0, 4_000)
  const unknown = { ...decisionAt(bar, 'FLAT'), latencyMs: 0 }
  const state = fromSnapshot({ ...snapshotOf([tickAt(bar)]), decisions: [unknown] })
  expect(state.latenciesMs).toEqual([])
})
