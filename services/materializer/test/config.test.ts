import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

test('runs on loopback, on embedded stores and on wall time when nothing is said', () => {
  expect(readConfig({})).toEqual({
    clock: undefined,
    host: '127.0.0.1',
    port: 6567,
    logLevel: 'info',
    apiKeys: [],
    contractFile: 'config/contracts/observation-15d.v1.json',
    dataDirectory: '.usdcop',
    databaseUrl: undefined,
    redisUrl: undefined,
  })
})

test('takes a market clock', () => {
  const clock = {
    CLOCK_WALL_START: '2026-03-01T09:30:00Z',
    CLOCK_MARKET_START: '2025-01-02',
    CLOCK_SPEED: '30',
  }
  expect(readConfig(clock).clock).toEqual({
    wallStart: Date.parse('2026-03-01T09:30:00Z'),
    marketStart: Date.parse('2025-01-02'),
    speed: 30,
    marketEnd: undefined,
  })
})

test('names every fault at once, files and clock included', () => {
  const env = {
    PORT: '70000',
    DATABASE_URL_FILE: '/nowhere',
    API_KEYS_FILE: '/nowhere',
    CLOCK_SPEED: '2',
  }
  for (const name of ['PORT', 'DATABASE_URL_FILE', 'API_KEYS_FILE', 'CLOCK_WALL_START'])
    expect(() => readConfig(env)).toThrow(`at ${name}`)
})
