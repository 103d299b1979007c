import { createRegistry } from '@usdcop/service/metrics'
import { expect, test } from 'vitest'
import { watchHoldings } from '../src/holdings.ts'

test('tells what is given out and kept, by caller', async () => {
  const registry = createRegistry('secrets-broker')
  watchHoldings(registry, {
    issuer: { msLeft: () => new Map([['alpha', 90_000]]) },
    secrets: { holds: () => new Map([['beta', { secrets: 3, oldestMs: 4_500 }]]) },
  })
  const value = async (name: string, label: string) => {
    const text = await registry.metrics()
    const line = new RegExp(`usdcop_secrets_broker_${name}\\{${label},.*\\} (?<value>.+)`).exec(
      text,
    )
    return Number(line?.groups?.['value'])
  }
  expect(await value('caller_secret_id_seconds_left', 'caller="alpha"')).toBe(90)
  expect(await value('kept_secrets', 'identity="beta"')).toBe(3)
  expect(await value('oldest_kept_secret_seconds', 'identity="beta"')).toBe(4.5)
})
