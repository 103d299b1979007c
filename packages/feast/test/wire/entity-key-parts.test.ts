import fc from 'fast-check'
import { expect, test } from 'vitest'
import { entityKey } from '../../src/wire/entity-key.ts'
import { entityKeyParts } from '../../src/wire/entity-key-parts.ts'

const pair = fc.tuple(
  fc.string({ unit: 'binary' }),
  fc.oneof(
    fc.string({ unit: 'binary' }).map((value) => ({ type: 'STRING' as const, value })),
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((value) => ({ type: 'INT64' as const, value })),
  ),
)
const pairs = fc.uniqueArray(pair, { minLength: 1, maxLength: 4, selector: ([name]) => name })

test('finds the join keys and the end of a key, whatever follows it', () => {
  fc.assert(
    fc.property(pairs, fc.uint8Array(), (given, rest) => {
      const key = entityKey(given)
      const parts = entityKeyParts(Buffer.concat([key, rest]))
      expect(parts?.end).toBe(key.length)
      expect(parts?.joinKeys.toSorted()).toEqual(given.map(([name]) => name).toSorted())
    }),
  )
})

test('finds no key where one is cut short, and none in other bytes', () => {
  fc.assert(
    fc.property(
      pairs,
      fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
      (given, part) => {
        const key = entityKey(given)
        expect(entityKeyParts(key.subarray(0, Math.floor(part * key.length)))).toBeUndefined()
      },
    ),
  )
  for (const text of ['', 'no', 'a note about prod', '\0\0\0\0prod'])
    expect(entityKeyParts(Buffer.from(text))).toBeUndefined()
})
