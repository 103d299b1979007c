import { describe, expect, expectTypeOf, test } from 'vitest'
import { parseContract } from '../src/contract.ts'
import {
  buildObservation,
  type NormalisedMarket,
  type NormalisedVector,
  normaliseMarket,
  type RawMarket,
  rawMarket,
} from '../src/observation.ts'
import { contract, contractJson } from './demo.ts'

const MEANS = contract.statistics.mean
const at = (index: number, value: number | null) => rawMarket(MEANS.with(index, value as number))

describe('buildObservation', () => {
  test('scores market features by the contract and passes position and time', () => {
    const raw = rawMarket(MEANS.map((mean, i) => mean + contract.statistics.std[i]! * (i / 10)))
    const vector = [...buildObservation(contract, raw, -1, 0.25)]
    expect(vector.map((value) => Math.round(value * 1e9) / 1e9)).toEqual([
      0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, -1, 0.25,
    ])
  })

  test("gives the original's golden vector with the original's statistics", () => {
    const mean = [
      9.042128e-7, 1.240247e-5, 5.743994e-5, 48.55248, 0.06081763, 32.29754, 0.02472986,
      4.456796e-5, -0.0141298, 0.001491431, 2.420412e-3, -0.01477084, -7.593876e-5,
    ]
    const std = [
      1.133812e-3, 3.736154e-3, 7.675464e-3, 23.91668, 0.04524957, 17.04633, 0.9986401, 1.004421e-2,
      0.901167, 1.002433, 4.579143e-2, 0.9980839, 1.840172e-2,
    ]
    const json = contractJson()
    const original = parseContract({
      ...json,
      statistics: { ...contract.statistics, mean, std },
    })
    const raw = rawMarket([0.001, -0.004, 0.01, 70, 0.12, 20, 1.5, -0.005, -0.8, 0.3, 0.1, 5.8, 0])
    const z = [
      0.88118296, -1.07393917, 1.29536923, 0.8967597, 1.30791005, -0.72141875, 1.47727921,
      -0.50223634, -0.87205832, 0.29778416, 2.13095723, 5, 0.00412672, 0, 1,
    ]
    const vector = [...buildObservation(original, raw, 0, 1)]
    // The published statistics have seven digits.
    expect(vector.map((value, i) => Math.abs(value - z[i]!) < 2e-6)).toEqual(z.map(() => true))
  })

  test('clips at five deviations either way', () => {
    const { mean, std } = contract.statistics
    const raw = rawMarket(mean.with(0, mean[0]! + 9 * std[0]!).with(1, mean[1]! - 9 * std[1]!))
    const [first, second] = buildObservation(contract, raw, 0, 0)
    expect([first, second]).toEqual([5, -5])
  })

  test.for([
    { name: 'a missing feature', raw: at(6, null), position: 0, time: 0, fault: 'dxy_z' },
    { name: 'NaN', raw: at(3, Number.NaN), position: 0, time: 0, fault: 'rsi_9' },
    { name: 'infinity', raw: at(4, Infinity), position: 0, time: 0, fault: 'atr_pct' },
    { name: 'no position', raw: at(0, 0), position: Number.NaN, time: 0, fault: 'position' },
    { name: 'a position of 2', raw: at(0, 0), position: 2, time: 0, fault: 'position' },
    {
      name: 'a time after the session',
      raw: at(0, 0),
      position: 0,
      time: 1.01,
      fault: 'time_normalized',
    },
  ])('refuses $name', ({ raw, position, time, fault }) => {
    expect(() => buildObservation(contract, raw, position, time)).toThrow(
      expect.objectContaining({
        code: 'observation_invalid',
        message: `no usable value for ${fault}`,
      }),
    )
  })
})

test('normaliseMarket scores what is there and leaves missing what is missing', () => {
  const { mean, std } = contract.statistics
  const raw = rawMarket([...mean.with(0, mean[0]! + std[0]! * 9).slice(0, 12), null])
  const zeros = Array.from({ length: 11 }, () => 0)
  expect([...normaliseMarket(contract, raw)]).toEqual([5, ...zeros, Number.NaN])
})

test('raw features and observations are types of their own', () => {
  expectTypeOf<NormalisedVector>().not.toExtend<RawMarket>()
  expectTypeOf<RawMarket>().not.toExtend<NormalisedVector>()
  expectTypeOf<NormalisedMarket>().not.toExtend<RawMarket>()
  expectTypeOf<NormalisedMarket>().not.toExtend<NormalisedVector>()
  expectTypeOf<Float64Array>().not.toExtend<RawMarket>()
})

test('rawMarket refuses a vector of another length', () => {
  expect(() => rawMarket([1, 2, 3])).toThrow('13 market features expected, 3 given')
})
