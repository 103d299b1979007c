import { createRegistry } from '@usdcop/service/metrics'
import { expect, onTestFinished, test } from 'vitest'
import { watchHoldings } from '../src/holdings.ts'
import { makeAuthority } from './certificates.ts'

test('tells what is given out and kept, by caller, and when certificates end', async () => {
  const authority = await makeAuthority()
  onTestFinished(() => authority[Symbol.asyncDispose]())
  const { cert, key } = await authority.sign('broker', ['DNS:localhost'])
  const registry = createRegistry('secrets-broker')
  let later = 0
  watchHoldings(registry, {
    issuer: { msLeft: () => new Map([['alpha', 90_000]]) },
    secrets: { holds: () => new Map([['beta', { secrets: 3, oldestMs: 4_500 }]]) },
    // A chain ends with the first that does: both of a day here, and the second was signed first.
    files: {
      certificate: `${cert}${authority.ca}`,
      key,
      clientCa: authority.ca,
      clientCrl: undefined,
    },
    wallNow: () => Date.now() + later,
  })
  const value = async (name: string, label: string) => {
    const text = await registry.metrics()
    const line = new RegExp(`usdcop_secrets_broker_${name}\\{${label},.*\\} (?<value>.+)`).exec(
      text,
    )
    return Number(line?.groups?.['value'])
  }
  expect(await value('secret_id_seconds_left', 'caller="alpha"')).toBe(90)
  expect(await value('kept_secrets', 'identity="beta"')).toBe(3)
  expect(await value('oldest_kept_secret_seconds', 'identity="beta"')).toBe(4.5)
  for (const certificate of ['server', 'client_ca']) {
    const label = `certificate="${certificate}"`
    expect(await value('certificate_seconds_left', label)).toBeGreaterThan(86_000)
    expect(await value('certificate_seconds_left', label)).toBeLessThanOrEqual(86_400)
  }
  later = 2 * 86_400_000
  expect(await value('certificate_seconds_left', 'certificate="server"')).toBeLessThan(-86_000)
})

test('tells of no certificate where there is none, and starts with none that cannot be read', async () => {
  const nothing = { issuer: { msLeft: () => new Map() }, secrets: { holds: () => new Map() } }
  const registry = createRegistry('secrets-broker')
  watchHoldings(registry, { ...nothing, files: undefined, wallNow: () => 0 })
  expect(await registry.metrics()).not.toMatch(/certificate_seconds_left\{/)
  const files = {
    certificate: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    key: '',
    clientCa: undefined,
    clientCrl: undefined,
  }
  expect(() =>
    watchHoldings(createRegistry('secrets-broker'), { ...nothing, files, wallNow: () => 0 }),
  ).toThrow('cannot be read')
})
