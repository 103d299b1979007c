import { expect, test } from 'vitest'
import { interpolated, variablesIn } from './interpolation.ts'

const values = { SET: 'value', EMPTY: '' }

test.for([
  ['${SET}', 'value'],
  ['${SET:-other}', 'value'],
  ['${EMPTY:-other}', 'other'],
  ['${EMPTY-other}', ''],
  ['${MISSING:-other}', 'other'],
  ['${MISSING-other}', 'other'],
  ['${MISSING:-}', ''],
  ['${MISSING:?say why}', ''],
  ['${SET:?say why}', 'value'],
  ['$${SET}', '${SET}'],
  ['a ${SET}:${SET} b', 'a value:value b'],
] as const)('compose reads %s as %s', ([text, means]) => {
  expect(interpolated(text, values)).toBe(means)
})

test('names every variable, with its default where it has one', () => {
  expect(variablesIn('${A} ${B:-b} ${C-} ${D:?why} $${E}')).toEqual([
    { name: 'A', default: undefined },
    { name: 'B', default: 'b' },
    { name: 'C', default: '' },
    { name: 'D', default: undefined },
  ])
})
