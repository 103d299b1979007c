import { expect, test } from 'vitest'
import { canonicalHash, canonicalText } from '../src/canonical.ts'

test('writes members in RFC 8785 order and numbers as the bits of their float64', () => {
  // By UTF-16 code units an emoji, whose first unit is D83D, sorts after the euro sign, 20AC.
  const value = { b: [1, -0.5, true, null], a: 'é\n', '€': 0, '\u{1f600}': {} }
  expect(canonicalText(value)).toBe(
    '{"a":"é\\n","b":[3ff0000000000000,bfe0000000000000,true,null],"€":0000000000000000,"😀":{}}',
  )
})

test.for([
  { name: 'the order of keys', one: '{"a":1,"b":2}', other: '{"b":2,"a":1}' },
  { name: 'the spelling of a number', one: '[100, 0.0000001, 1.0]', other: '[1e2, 1e-7, 1]' },
  { name: 'the sign of zero', one: '[0]', other: '[-0.0]' },
  { name: 'white space', one: '{"a":[1,2]}', other: '{ "a" : [1,\n 2] }' },
])('does not depend on $name', ({ one, other }) => {
  expect(canonicalHash(JSON.parse(one))).toBe(canonicalHash(JSON.parse(other)))
})

test.for([
  { name: 'the last bit of a number', one: '[0.1]', other: '[0.10000000000000002]' },
  { name: 'the order of elements', one: '[1,2]', other: '[2,1]' },
  { name: 'a number and its text', one: '[1]', other: '["3ff0000000000000"]' },
])('tells apart $name', ({ one, other }) => {
  expect(canonicalHash(JSON.parse(one))).not.toBe(canonicalHash(JSON.parse(other)))
})

test('is the SHA-256 of the canonical text', () => {
  // printf '[3ff0000000000000]' | sha256sum
  expect(canonicalHash([1])).toBe(
    '46ea860cd3e61377ff4e7a836d65e6c098ea354ddd46c4d2f146a48e7de3547e',
  )
})

test.for([[Number.NaN], [Number.POSITIVE_INFINITY], [undefined], [1n]])(
  'refuses %s, which JSON cannot hold',
  ([value]) => {
    expect(() => canonicalHash([value])).toThrow(TypeError)
  },
)
