import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Bar, barColumns } from '../src/bars.ts'
import { parseContract } from '../src/contract.ts'
import { Reducer } from '../src/reducer.ts'
import { type FeatureRow, rowAt } from '../src/rows.ts'
import { bar, contract, contractJson, demoBars, demoMacro, labels } from './demo.ts'

const LABELS = labels(240)

/** A dirty series of two symbols: mostly in order and clean, with everything that can be wrong. */
const dirtyBars: fc.Arbitrary<Bar[]> = fc
  .array(
    fc.record({
      symbol: fc.constantFrom('USD/COP', 'EUR/COP'),
      forward: fc.constantFrom(1, 1, 1, 1, 2, 9, 61, 0, -3),
      offset: fc.constantFrom(0, 0, 0, 0, 0, 120_000, 86_400_000 * 3, 40_000_000),
      close: fc.constantFrom(4000, 4000, 4000, 4001.5, 3998.25, 5000, 1e-300, 0, Number.NaN),
      spread: fc.constantFrom(0, 0, 0, 1.25, -1),
    }),
    { maxLength: 150 },
  )
  .map((moves) => {
    let at = 0
    return moves.map(({ symbol, forward, offset, close, spread }) => {
      at = Math.max(0, Math.min(LABELS.length - 1, at + forward))
      return bar(LABELS[at]! + offset, close, { symbol, high: close + spread })
    })
  })

function reducerWithMacro(): Reducer {
  const reducer = new Reducer(contract)
  for (const value of macroValues) reducer.macro.publish(value)
  return reducer
}
const macroValues = demoMacro().filter(({ date }) => date > '2023-09-01' && date < '2024-02-01')

function batchRows(reducer: Reducer, bars: readonly Bar[]): FeatureRow[] {
  const { rows } = reducer.batch(barColumns(bars))
  return Array.from({ length: rows.length }, (_, i) => rowAt(rows, i))
}

function stepRows(reducer: Reducer, bars: readonly Bar[]): FeatureRow[] {
  return bars.flatMap((one) => {
    const step = reducer.step(one)
    return step.kind === 'accepted' ? [step.row] : []
  })
}

/** Another reducer that knows only what was saved. */
function continued(reducer: Reducer): Reducer {
  const next = new Reducer(contract)
  next.restoreMacro(reducer.saveMacro())
  for (const symbol of reducer.symbols()) next.restoreSymbol(symbol, reducer.saveSymbol(symbol))
  return next
}

const saved = (reducer: Reducer) => reducer.symbols().map((s) => [s, reducer.saveSymbol(s)])

describe('batch', () => {
  test('equals as many steps, bit for bit', () => {
    fc.assert(
      fc.property(dirtyBars, (bars) => {
        const [one, other] = [reducerWithMacro(), reducerWithMacro()]
        expect(batchRows(one, bars)).toEqual(stepRows(other, bars))
        expect(saved(one)).toEqual(saved(other))
      }),
    )
  })

  test('reports of each bar what a step would', () => {
    fc.assert(
      fc.property(dirtyBars, (bars) => {
        const { outcome, rows } = reducerWithMacro().batch(barColumns(bars))
        const stepper = reducerWithMacro()
        const accepted = bars.map((one) => stepper.step(one).kind === 'accepted')
        expect([...outcome].map((code) => code === 0)).toEqual(accepted)
        expect([...rows.source]).toEqual(accepted.flatMap((taken, i) => (taken ? [i] : [])))
      }),
    )
  })
})

describe('a state saved, restored and continued', () => {
  test('equals one that never stopped, wherever it stops', () => {
    fc.assert(
      fc.property(dirtyBars, fc.nat(150), (bars, cut) => {
        const whole = reducerWithMacro()
        const expected = batchRows(whole, bars)
        const first = reducerWithMacro()
        const before = batchRows(first, bars.slice(0, cut))
        const second = continued(first)
        expect([...before, ...batchRows(second, bars.slice(cut))]).toEqual(expected)
        expect(saved(second)).toEqual(saved(whole))
      }),
    )
  })

  test('shares no memory with the reducer it came from', () => {
    const reducer = new Reducer(contract)
    reducer.step(bar(LABELS[0]!, 4000))
    const bytes = reducer.saveSymbol('USD/COP')
    const copy = bytes.slice()
    reducer.step(bar(LABELS[1]!, 4100))
    expect(bytes).toEqual(copy)
  })
})

test('the whole demo series gives the same bits in one batch, in steps, and over restarts', {
  timeout: 60_000,
}, () => {
  const bars = demoBars()
  const load = () => {
    const reducer = new Reducer(contract)
    for (const value of demoMacro()) reducer.macro.publish(value)
    return reducer
  }
  const columns = ({ market, flags, gapBars, macroAgeMs }: ReturnType<Reducer['batch']>['rows']) =>
    [market, flags, gapBars, macroAgeMs].map((column) =>
      Buffer.from(column.buffer, column.byteOffset, column.byteLength),
    )
  const whole = load()
  const expected = columns(whole.batch(barColumns(bars)).rows)

  const stepped = load()
  const steps = stepRows(stepped, bars)
  const stepMarket = Buffer.concat(
    steps.map(({ market }) => Buffer.from(market.buffer, market.byteOffset, market.byteLength)),
  )
  expect(stepMarket.equals(expected[0]!)).toBe(true)
  expect(saved(stepped)).toEqual(saved(whole))

  let restarted = load()
  const parts: Buffer[][] = []
  for (let at = 0; at < bars.length; at += 4_000) {
    parts.push(columns(restarted.batch(barColumns(bars.slice(at, at + 4_000))).rows))
    restarted = continued(restarted)
  }
  const joined = expected.map((_, i) => Buffer.concat(parts.map((part) => part[i]!)))
  expect(joined.map((column, i) => column.equals(expected[i]!))).toEqual([true, true, true, true])
  expect(saved(restarted)).toEqual(saved(whole))
})

describe('restore', () => {
  const json = contractJson() as { definition: { flags: { warmupBars: number } } }
  json.definition.flags.warmupBars = 151
  const other = new Reducer(parseContract(json))
  const symbolBytes = (() => {
    const reducer = new Reducer(contract)
    for (const time of LABELS) reducer.step(bar(time, 4000))
    return reducer.saveSymbol('USD/COP')
  })()
  const macroBytes = reducerWithMacro().saveMacro()

  test('refuses states of another definition', () => {
    const mismatch = expect.objectContaining({ code: 'state_mismatch' })
    expect(() => other.restoreSymbol('USD/COP', symbolBytes)).toThrow(mismatch)
    expect(() => other.restoreMacro(macroBytes)).toThrow(mismatch)
    expect(other.symbols()).toEqual([])
  })

  test.for([
    { name: 'nothing', bytes: new Uint8Array() },
    { name: 'a state cut short', bytes: symbolBytes.slice(0, -4) },
    { name: 'a state cut in its numbers', bytes: symbolBytes.slice(0, 80) },
    {
      name: 'a state with something after it',
      bytes: new Uint8Array([...symbolBytes, 0, 0, 0, 0]),
    },
    { name: 'a macro state for a symbol', bytes: macroBytes },
    { name: 'other bytes', bytes: new Uint8Array(symbolBytes.length).fill(7) },
  ])('refuses $name', ({ bytes }) => {
    expect(() => new Reducer(contract).restoreSymbol('USD/COP', bytes)).toThrow(
      expect.objectContaining({ code: 'state_invalid' }),
    )
  })

  test.for([
    { name: 'cut short', bytes: macroBytes.slice(0, -8) },
    {
      name: 'with something after it',
      bytes: new Uint8Array([...macroBytes, ...macroBytes.slice(-8)]),
    },
    { name: 'of a symbol', bytes: symbolBytes },
  ])('refuses a macro state $name and keeps what it had', ({ bytes }) => {
    const reducer = reducerWithMacro()
    expect(() => reducer.restoreMacro(bytes)).toThrow(
      expect.objectContaining({ code: 'state_invalid' }),
    )
    expect(reducer.saveMacro()).toEqual(macroBytes)
  })

  test('reads bytes wherever they lie in memory', () => {
    const shifted = Buffer.concat([Buffer.from([0]), symbolBytes]).subarray(1)
    const reducer = new Reducer(contract)
    reducer.restoreSymbol('USD/COP', shifted)
    shifted.fill(0)
    expect(reducer.saveSymbol('USD/COP')).toEqual(symbolBytes)
  })

  test('has no state to save of a symbol it never met', () => {
    expect(() => new Reducer(contract).saveSymbol('EUR/COP')).toThrow('no state of EUR/COP')
  })
})
