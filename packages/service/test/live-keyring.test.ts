import { expect, test } from 'vitest'
import { digestOf } from '../src/auth.ts'
import { createLiveKeyring } from '../src/live-keyring.ts'
import { createLogger } from '../src/log.ts'
import { createRegistry } from '../src/metrics.ts'

const entry = (name: string) => `${name}:writer:${digestOf(`token-of-${name}`)}`

function setUp() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ name: 'a', level: 'info', destination })
  const registry = createRegistry('a')
  const keyring = createLiveKeyring({ keys: [], logger, registry })
  return { keyring, lines, metrics: () => registry.metrics() }
}

test('whoever is in the newest text is known, and nobody else', () => {
  const { keyring, lines } = setUp()
  keyring.take(`${entry('feed')},${entry('ops')}`)
  expect([keyring.size, keyring.find('token-of-feed')?.name]).toEqual([2, 'feed'])
  keyring.take(entry('ops'))
  expect([keyring.size, keyring.find('token-of-feed')]).toEqual([1, undefined])
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ added: [], removed: ['feed'], keys: 1 })
  keyring.empty()
  expect([keyring.size, keyring.find('token-of-ops')]).toEqual([0, undefined])
})

test('a text that cannot be read changes nothing, and is told without a word of it', async () => {
  const { keyring, lines, metrics } = setUp()
  keyring.take(entry('feed'))
  keyring.take(`${entry('ops')},marker`)
  expect(keyring.find('token-of-feed')?.name).toBe('feed')
  expect(keyring.find('token-of-ops')).toBeUndefined()
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    level: 50,
    err: { code: 'config_invalid' },
  })
  expect(lines.join('')).not.toContain('marker')
  expect(await metrics()).toMatch(/usdcop_api_keys_unreadable_total\{.*\} 1\n/)
  expect(await metrics()).toMatch(/usdcop_api_keys\{.*\} 1\n/)
})
