import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entityKey, singleKeyWriter } from '../../src/wire/entity-key.ts'

test('writes a single key the same way on both paths', () => {
  fc.assert(
    fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (joinKey, value) => {
      const entity = { type: 'STRING', value } as const
      expect(singleKeyWriter(joinKey)(entity)).toEqual(entityKey([[joinKey, entity]]))
    }),
  )
})

test('gives different entities different keys', () => {
  const pair = fc.tuple(fc.string(), fc.string())
  fc.assert(
    fc.property(pair, pair, ([a, b], [c, d]) => {
      fc.pre(a !== c || b !== d)
      const key = (x: string, y: string) =>
        entityKey([
          ['x', { type: 'STRING', value: x }],
          ['y', { type: 'STRING', value: y }],
        ])
      expect(key(a, b).equals(key(c, d))).toBe(false)
    }),
  )
})

test('refuses a lone surrogate, which would share its key with others', () => {
  expect(() => entityKey([['symbol', { type: 'STRING', value: '\ud800' }]])).toThrow(
    expect.objectContaining({ code: 'invalid_request' }),
  )
})
