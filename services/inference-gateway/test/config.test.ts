import { expect, test } from 'vitest'
import { readConfig } from '../src/config.ts'

test('runs on loopback and on embedded stores when nothing is said', () => {
  expect(readConfig({})).toEqual({
    clock: undefined,
    host: '127.0.0.1',
    port: 8090,
    dataDirectory: '.usdcop',
    databaseUrl: undefined,
    featureServer: { url: 'http://127.0.0.1:6566', key: '', deadlineMs: 1_000 },
    contractFile: 'config/contracts/observation-15d.v1.json',
    modelDirectory: 'models/usdcop-ppo',
    consoleSymbol: 'USD/COP',
    consoleHostNames: [],
    apiKeys: [],
    logLevel: 'info',
  })
})

test('takes a server and names from the environment', () => {
  const env = { DATABASE_URL: 'postgres://u@db/usdcop', CONSOLE_HOST_NAMES: 'desk.local, console' }
  expect(readConfig(env)).toMatchObject({
    databaseUrl: 'postgres://u@db/usdcop',
    consoleHostNames: ['desk.local', 'console'],
  })
})

test('names every fault at once', () => {
  const env = { PORT: '99999', DATABASE_URL: 'mysql://x', FEATURE_DEADLINE_MS: 'soon' }
  expect(() => readConfig(env)).toThrow(/PORT[^]*DATABASE_URL|DATABASE_URL[^]*PORT/)
  expect(() => readConfig(env)).toThrow(/FEATURE_DEADLINE_MS/)
})

test('takes no password in an address that logs would name, and does not repeat it', () => {
  const env = { FEATURE_SERVER_URL: 'http://me:hunter2@features:6566' }
  expect(() => readConfig(env)).toThrow(/FEATURE_SERVER_URL(?![^]*hunter2)/)
})
