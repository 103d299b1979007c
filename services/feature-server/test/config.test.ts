import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'
import { DEFAULT_LIMITS } from '../src/limits.ts'

test('serves from LMDB on loopback and marks old rows unless told otherwise', () => {
  expect(readConfig({})).toEqual({
    clock: undefined,
    host: '127.0.0.1',
    port: 6_566,
    logLevel: 'info',
    apiKeys: [],
    contractFile: 'config/contracts/observation-15d.v1.json',
    dataDirectory: '.usdcop',
    redisUrl: undefined,
    serving: 'mark',
    oidc: undefined,
    workers: 1,
    limits: DEFAULT_LIMITS,
  })
})

test('lets strict parity win over a ttl mode', () => {
  expect(readConfig({ FEAST_TTL: 'enforce' }).serving).toBe('enforce')
  expect(readConfig({ FEAST_TTL: 'enforce', FEAST_PARITY: 'strict' }).serving).toBe('strict')
})

test('names every fault of its environment at once', () => {
  expect(() => readConfig({ PORT: '70000', REDIS_URL: 'http://x', FEAST_TTL: 'never' })).toThrow(
    /(?=[\s\S]*PORT)(?=[\s\S]*REDIS_URL)(?=[\s\S]*FEAST_TTL)/,
  )
})
