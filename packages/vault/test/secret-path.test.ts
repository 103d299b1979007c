import { describe, expect, test } from 'vitest'
import { secretName, secretPath } from '../src/secret-path.ts'
import { HOSTILE_PATHS, ODD_PATHS } from './traversal-corpus.ts'

describe('the grammar of paths', () => {
  test(`refuses every one of the hostile corpus, and repeats none of them`, () => {
    expect(HOSTILE_PATHS.length).toBeGreaterThanOrEqual(300)
    for (const path of HOSTILE_PATHS) {
      let message = 'taken'
      try {
        secretPath(path)
      } catch (error) {
        message = (error as Error).message
      }
      expect({ path, message }).not.toEqual({ path, message: 'taken' })
      expect(path.length > 3 && message.includes(path)).toBe(false)
    }
  })

  test.for(ODD_PATHS)('takes %s as it is', (path) => {
    expect(secretPath(path)).toBe(path)
    expect(new URL(`https://vault:8200/v1/secret/data/${path}`).href).toBe(
      `https://vault:8200/v1/secret/data/${path}`,
    )
  })

  test('refuses what is no text', () => {
    for (const value of [undefined, null, 7, ['a'], { toString: () => 'a' }])
      expect(() => secretPath(value as string)).toThrow('a path in Vault is text')
  })

  test('a name is one segment', () => {
    expect(secretName('trading')).toBe('trading')
    expect(() => secretName('trading/database')).toThrow('holds a slash')
  })
})
