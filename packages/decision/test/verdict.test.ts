import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ActionError, mapAction } from '../src/mapping.ts'
import { REFUSAL_REASONS } from '../src/reasons.ts'
import { conclude, refuse } from '../src/verdict.ts'

const rules = { low: -1, high: 1, longAbove: 0.33, shortBelow: -0.33 }

test.for([
  { raw: 0, action: 0, signal: 'FLAT', target: 0 },
  { raw: 0.33, action: 0.33, signal: 'FLAT', target: 0 },
  { raw: 0.330_000_000_000_1, action: 0.330_000_000_000_1, signal: 'LONG', target: 1 },
  { raw: -0.33, action: -0.33, signal: 'FLAT', target: 0 },
  { raw: -0.34, action: -0.34, signal: 'SHORT', target: -1 },
  { raw: 7, action: 1, signal: 'LONG', target: 1 },
  { raw: -1e30, action: -1, signal: 'SHORT', target: -1 },
] as const)('maps $raw to $signal', ({ raw, ...expected }) => {
  expect(mapAction(raw, rules)).toEqual(expected)
  expect(conclude([], raw, rules)).toEqual({
    outcome: 'action',
    rawAction: raw,
    ...expected,
    reasons: [],
  })
})

test.for([Number.NaN, Infinity, -Infinity])('refuses an action of %s', (raw) => {
  expect(() => mapAction(raw, rules)).toThrow(ActionError)
  expect(conclude([], raw, rules)).toEqual(refuse(['action_not_finite']))
})

test('a model that did not answer is a refusal, not a zero', () => {
  expect(conclude([], undefined, rules)).toEqual(refuse(['model_unavailable']))
})

test('any reason keeps any action from being taken', () => {
  fc.assert(
    fc.property(
      fc.subarray([...REFUSAL_REASONS], { minLength: 1 }),
      fc.option(fc.double(), { nil: undefined }),
      (reasons, raw) => {
        const verdict = conclude(reasons, raw, rules)
        expect(verdict).toMatchObject({ outcome: 'no_action', action: null, target: null })
        expect(verdict.reasons).toEqual(expect.arrayContaining(reasons))
      },
    ),
  )
})
