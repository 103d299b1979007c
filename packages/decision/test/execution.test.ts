import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type Account,
  cancel,
  ExecutionError,
  type ExecutionRules,
  onBar,
  openAccount,
  type PricedBar,
  place,
} from '../src/execution.ts'
import type { Target } from '../src/mapping.ts'

const rules: ExecutionRules = {
  currency: 'COP',
  initialCash: 450_000_000,
  notional: 100_000,
  costBps: 17,
}
const T = Date.UTC(2025, 2, 3, 13, 0)
const bar = (i: number, open = 4_000, close = open, session = '2025-03-03'): PricedBar => ({
  barTime: T + i * 300_000,
  availableAt: T + (i + 1) * 300_000,
  session,
  open,
  close,
})

describe('the paper account', () => {
  test('fills at the open of the next bar, pays its costs and marks at the close', () => {
    const first = onBar(openAccount(rules), bar(0), rules)
    const ordered = place(first.account, 1, bar(0), false).account
    expect(onBar(ordered, bar(1, 4_010, 4_020), rules)).toEqual({
      account: {
        position: 1,
        cash: 450_000_000 - 401_000_000 - 681_700,
        pending: null,
        lastBarTime: T + 300_000,
        costsPaid: 681_700,
        peakEquity: 450_000_000 - 401_000_000 - 681_700 + 402_000_000,
        deepestDrawdown: 0,
      },
      fill: { barTime: T + 300_000, from: 0, to: 1, price: 4_010, cost: 681_700, orderedAt: T },
      expiry: null,
      mark: {
        barTime: T + 300_000,
        availableAt: T + 600_000,
        equity: 450_000_000 - 401_000_000 - 681_700 + 402_000_000,
        cash: 48_318_300,
        position: 1,
        close: 4_020,
      },
    })
  })

  test('a reversal trades two units and pays for two', () => {
    const long: Account = {
      ...openAccount(rules),
      position: 1,
      cash: 50_000_000,
      pending: { target: -1, barTime: T, session: '2025-03-03' },
      lastBarTime: T,
    }
    const { account, fill } = onBar(long, bar(1, 4_000), rules)
    expect(fill).toMatchObject({ from: 1, to: -1, cost: 1_360_000 })
    expect(account.cash).toBe(50_000_000 + 800_000_000 - 1_360_000)
  })

  test('a pending order expires when the next bar is of another session; the position is carried', () => {
    const long: Account = {
      ...openAccount(rules),
      position: 1,
      cash: 1,
      pending: { target: 0, barTime: T, session: '2025-03-03' },
      lastBarTime: T,
    }
    const step = onBar(long, bar(288, 4_000, 4_000, '2025-03-04'), rules)
    expect(step.fill).toBeNull()
    expect(step.expiry).toEqual({ barTime: T + 288 * 300_000, target: 0, orderedAt: T })
    expect(step.account).toMatchObject({ position: 1, cash: 1, pending: null })
  })

  test('an order fills on a later bar of its session when bars are missing between', () => {
    const flat = place(onBar(openAccount(rules), bar(0), rules).account, 1, bar(0), false).account
    expect(onBar(flat, bar(5), rules).fill).toMatchObject({ to: 1, orderedAt: T })
  })

  test('an order on the last bar of a session expires at once', () => {
    const { account } = onBar(openAccount(rules), bar(59), rules)
    expect(place(account, 1, bar(59), true)).toEqual({
      account,
      expiry: { barTime: bar(59).barTime, target: 1, orderedAt: bar(59).barTime },
    })
  })

  test('a target that is already held leaves no order', () => {
    const { account } = onBar({ ...openAccount(rules), position: 1 }, bar(0), rules)
    expect(place(account, 1, bar(0), false)).toEqual({ account, expiry: null })
  })

  test('a refusal keeps the position and takes back the order', () => {
    const { account } = onBar({ ...openAccount(rules), position: -1 }, bar(0), rules)
    const ordered = place(account, 1, bar(0), false).account
    expect(ordered.pending).not.toBeNull()
    expect(cancel(ordered)).toEqual(account)
  })

  test.for([
    { name: 'the same bar again', given: bar(3) },
    { name: 'an earlier bar', given: bar(2) },
    { name: 'a bar whose label is not a number', given: bar(Number.NaN) },
    { name: 'a bar without a usable open', given: bar(4, Number.NaN, 4_000) },
    { name: 'a bar without a usable close', given: bar(4, 4_000, 0) },
  ])('refuses $name', ({ given }) => {
    const { account } = onBar(openAccount(rules), bar(3), rules)
    expect(() => onBar(account, given, rules)).toThrow(ExecutionError)
  })
})

const targets = fc.constantFrom<Target | 'refusal'>(-1, 0, 1, 'refusal')
const price = fc.double({ min: 1_000, max: 10_000, noNaN: true })
const path = fc.array(fc.record({ open: price, close: price, target: targets }), {
  minLength: 1,
  maxLength: 200,
})

test('no cash appears or vanishes, equity is cash plus position, and a JSON round trip changes nothing', () => {
  fc.assert(
    fc.property(path, fc.integer({ min: 1, max: 60 }), (steps, sessionBars) => {
      let account = openAccount(rules)
      let paid = 0
      let costs = 0
      const curve = [rules.initialCash]
      steps.forEach(({ open, close, target }, i) => {
        const session = `s${Math.floor(i / sessionBars)}`
        const last = i % sessionBars === sessionBars - 1
        const step = onBar(account, bar(i, open, close, session), rules)
        if (step.fill !== null)
          paid += (step.fill.to - step.fill.from) * rules.notional * open + step.fill.cost
        costs += step.fill?.cost ?? 0
        curve.push(step.mark.equity)
        expect(step.mark.equity).toBe(
          step.account.cash + step.account.position * rules.notional * close,
        )
        expect(step.fill !== null && step.expiry !== null).toBe(false)
        account =
          target === 'refusal'
            ? cancel(step.account)
            : place(step.account, target, bar(i, open, close, session), last).account
        expect(JSON.parse(JSON.stringify(account))).toEqual(account)
        expect(last && account.pending !== null).toBe(false)
      })
      expect(account.cash + paid).toBeCloseTo(rules.initialCash, 0)
      const falls = curve.map((equity, i) => equity / Math.max(...curve.slice(0, i + 1)) - 1)
      expect(account).toMatchObject({
        costsPaid: costs,
        peakEquity: Math.max(...curve),
        deepestDrawdown: Math.min(...falls),
      })
    }),
  )
})
