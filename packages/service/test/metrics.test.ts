import { expect, test } from 'vitest'
import { createRegistry, createTally } from '../src/metrics.ts'

test('a tally tells what was counted, by its labels, at each scrape', async () => {
  const registry = createRegistry('x')
  const labelNames = ['caller', 'outcome']
  const count = createTally({ name: 'asked_total', help: 'h', labelNames, registers: [registry] })
  expect(await registry.metrics()).not.toContain('asked_total{')
  count('alpha', 'ok')
  count('alpha', 'ok')
  count('beta', 'denied')
  const asked = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('asked_total{'))
  const beta = 'asked_total{caller="beta",outcome="denied",service="x"} 1'
  expect(await asked()).toEqual(['asked_total{caller="alpha",outcome="ok",service="x"} 2', beta])
  count('alpha', 'ok')
  expect(await asked()).toEqual(['asked_total{caller="alpha",outcome="ok",service="x"} 3', beta])
})
