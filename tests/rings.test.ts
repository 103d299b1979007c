import { expect, test } from 'vitest'
import { chooseRings, RINGS } from '../scripts/rings.ts'

const names = (choice: Parameters<typeof chooseRings>[0]) =>
  chooseRings(choice).map(({ name }) => name)

test('runs all rings but the long one and the one that opens a Vault, unless somebody says otherwise', () => {
  expect(names({ only: undefined, without: [] })).toEqual(
    RINGS.map(({ name }) => name).filter((name) => name !== 'soak' && name !== 'production'),
  )
})

test('runs one ring alone', () => {
  expect(names({ only: ['stack'], without: [] })).toEqual(['stack'])
  expect(names({ only: ['production'], without: [] })).toEqual(['production'])
})

test('runs all but one', () => {
  expect(names({ only: undefined, without: ['stack'] })).not.toContain('stack')
  expect(names({ only: undefined, without: ['stack'] })).toContain('unit')
})

test('refuses a name that no ring has, or a slip of the finger would pass as green', () => {
  expect(() => chooseRings({ only: ['stak'], without: [] })).toThrow('no ring is called stak')
  expect(() => chooseRings({ only: undefined, without: ['units'] })).toThrow('called units')
})
