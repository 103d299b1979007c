import { once } from 'node:events'
import { beforeAll, expect, test } from 'vitest'
import type { Container } from '../../src/stack/container.ts'
import { type Outcome, type WatchOptions, watchUp } from '../../src/stack/watch.ts'
import { captured } from './captured.ts'

let healthy: Container
let unhealthy: Container

beforeAll(async () => {
  const containers = await captured('inspect-compose-5.json')
  const named = (service: string): Container => {
    const found = containers.find((container) => container.service === service)
    if (found === undefined) throw new Error(`${service} was not captured`)
    return found
  }
  healthy = named('store')
  unhealthy = named('broken')
})

test('is up when Compose is done and everything is healthy', async ({ signal }) => {
  const looks = [[], [{ ...healthy, health: 'starting' as const }], [healthy]]
  const outcome = await watch(
    { services: ['store'], look: () => looks.shift() ?? [healthy] },
    signal,
  )
  expect(outcome).toMatchObject({ end: 'up', steps: [{ service: 'store', state: 'healthy' }] })
})

test('waits for Compose, which may still have something to do', async ({ signal }) => {
  const { promise, resolve } = Promise.withResolvers<number>()
  let looks = 0
  const outcome = await watch(
    {
      services: ['store'],
      look() {
        if (++looks === 3) resolve(0)
        return [healthy]
      },
      compose: () => promise,
    },
    signal,
  )
  expect(outcome.end).toBe('up')
  expect(looks).toBeGreaterThan(3)
})

test('ends with the first that fails, and asks Compose to stop', async ({ signal }) => {
  let asked = false
  const outcome = await watch(
    {
      services: ['store', 'broken'],
      look: () => [healthy, unhealthy],
      async compose(until) {
        await once(until, 'abort')
        asked = true
        return 130
      },
    },
    signal,
  )
  expect(outcome.end).toBe('failed')
  expect(asked).toBe(true)
})

test('ends with Compose when that fails', async ({ signal }) => {
  const outcome = await watch(
    { services: ['store'], look: () => [], compose: async () => 1 },
    signal,
  )
  expect(outcome).toMatchObject({ end: 'compose-failed', steps: [] })
})

test('ends when the time is over', async ({ signal }) => {
  let clock = 0
  const outcome = await watch(
    {
      services: ['store'],
      look: () => [{ ...healthy, health: 'starting' as const }],
      now: () => (clock += 1_000),
      limitMs: 10_000,
    },
    signal,
  )
  expect(outcome.end).toBe('timed-out')
  expect(outcome.elapsedMs).toBeGreaterThanOrEqual(10_000)
})

test('is interrupted at once, after Compose has ended', async ({ signal }) => {
  const interrupt = new AbortController()
  let ended = false
  const watching = watch(
    {
      services: ['store'],
      look: () => [{ ...healthy, health: 'starting' as const }],
      async compose(until) {
        await once(until, 'abort')
        ended = true
        until.throwIfAborted()
        return 0
      },
      onSteps: () => interrupt.abort(),
      everyMs: 60_000,
    },
    AbortSignal.any([signal, interrupt.signal]),
  )
  await expect(watching).rejects.toMatchObject({ name: 'AbortError' })
  expect(ended).toBe(true)
})

test('passes on why Compose could not be run', async ({ signal }) => {
  const watching = watch(
    { services: ['store'], look: () => [], compose: () => Promise.reject(new Error('no Compose')) },
    signal,
  )
  await expect(watching).rejects.toThrow('no Compose')
})

interface Watching extends Partial<Omit<WatchOptions, 'look' | 'services'>> {
  readonly services: readonly string[]
  readonly look: () => readonly Container[]
}

function watch({ look, ...options }: Watching, signal: AbortSignal): Promise<Outcome> {
  return watchUp(
    {
      before: [],
      look: async () => look(),
      compose: async () => 0,
      limitMs: 600_000,
      onSteps: () => {},
      everyMs: 1,
      ...options,
    },
    signal,
  )
}
