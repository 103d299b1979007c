import { expect, test } from 'vitest'
import { pythonDictionary, pythonSet, tabulate } from '../../src/feast/tabulate.ts'

test('gives a head two more columns than it needs, and a cell of lines as many lines', () => {
  const table = tabulate(
    ['NAME', 'TYPES', 'ROLES'],
    [
      ['readers', 'FeatureView\nFeatureService', 'admin'],
      ['a', '-', 'reader\nwriter\nadmin'],
    ],
  )
  expect(table).toBe(
    [
      'NAME     TYPES           ROLES',
      'readers  FeatureView     admin',
      '         FeatureService',
      'a        -               reader',
      '                         writer',
      '                         admin',
      '',
    ].join('\n'),
  )
})

test('prints the head alone where there is nothing', () => {
  expect(tabulate(['NAME', 'DESCRIPTION', 'TYPE'], [])).toBe('NAME    DESCRIPTION    TYPE\n')
})

test.for([
  { text: 'a', shown: "{'a'}" },
  { text: "it's", shown: `{"it's"}` },
  { text: `"it's"`, shown: String.raw`{'"it\'s"'}` },
  { text: 'a\\b', shown: String.raw`{'a\\b'}` },
])('quotes $text as Python does', ({ text, shown }) => {
  expect(pythonSet([text])).toBe(shown)
})

test('prints dictionaries and sets of several', () => {
  expect(pythonDictionary({ team: 'a', level: 'gold' })).toBe("{'team': 'a', 'level': 'gold'}")
  expect(pythonDictionary({})).toBe('{}')
  expect(pythonSet(['city', 'driver'])).toBe("{'city', 'driver'}")
})
