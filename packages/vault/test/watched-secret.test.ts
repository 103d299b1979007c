import { type ErrorCode, ServiceError } from '@usdcop/service/errors'
import { expect, onTestFinished, test } from 'vitest'
import type { Availability } from '../src/availability.ts'
import type { VaultEvent } from '../src/events.ts'
import type { Identity } from '../src/identity.ts'
import { type SecretNews, watchSecret } from '../src/watched-secret.ts'
import { createSimulatedClock } from './simulated-clock.ts'

const { signal } = new AbortController()
const MINUTE = 60_000

/** A secret in a Vault that answers as a test says, and what its holder was told. */
function setUp() {
  const clock = createSimulatedClock()
  const events: VaultEvent[] = []
  const told: string[] = []
  const vault = {
    version: 1,
    madeAt: '2026-01-01T00:00:00Z',
    fault: undefined as ErrorCode | undefined,
  }
  const asked: number[] = []
  let up = () => {}
  const availability = {
    onUp: (listener: () => void) => {
      up = listener
      return () => {}
    },
  } as Availability
  const server = {
    clock,
    random: () => 0.5,
    availability,
    observe: (event: VaultEvent) => void events.push(event),
  }
  const identity = {
    name: 'a',
    server,
    async ask() {
      asked.push(clock.now())
      if (vault.fault !== undefined) throw new ServiceError(vault.fault, 'as the test says')
      const metadata = { version: vault.version, created_time: vault.madeAt }
      return { lease_duration: 0, data: { data: { value: `v${vault.version}` }, metadata } }
    },
  } as unknown as Identity
  const hear = (news: SecretNews) =>
    void told.push(
      news.kind === 'changed' ? (news.secret.fields.get('value')?.reveal() ?? '') : news.fault.code,
    )
  const watch = async () => {
    const at = { mount: 'secret', path: 'a', ttlMs: MINUTE }
    const watched = await watchSecret(identity, at, hear, signal)
    onTestFinished(() => watched[Symbol.asyncDispose]())
    return watched
  }
  return { clock, events, told, vault, asked, watch, up: () => up() }
}

test('tells what it read first, and each change within its time, once', async () => {
  const { clock, told, vault, asked, watch } = setUp()
  await watch()
  expect(told).toEqual(['v1'])
  await clock.pass(10 * MINUTE)
  expect(told).toEqual(['v1'])
  const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0))
  expect(Math.max(...gaps)).toBeLessThanOrEqual(MINUTE)
  expect(gaps.length).toBeLessThanOrEqual(14)
  vault.version = 2
  await clock.pass(MINUTE)
  expect(told).toEqual(['v1', 'v2'])
})

test('a Vault that was set up anew counts from one again', async () => {
  const { clock, told, vault, watch } = setUp()
  await watch()
  vault.madeAt = '2026-02-01T00:00:00Z'
  await clock.pass(MINUTE)
  expect(told).toEqual(['v1', 'v1'])
})

test('an outage leaves all as it is, and its end is not waited for', async () => {
  const { clock, told, vault, asked, watch, events, up } = setUp()
  const watched = await watch()
  vault.fault = 'vault_sealed'
  await clock.pass(60 * MINUTE)
  expect([told, watched.state]).toEqual([['v1'], 'stale'])
  expect(asked.length).toBeLessThan(130)
  expect(events.at(-1)).toEqual({ kind: 'read', identity: 'a', answer: 'stale' })
  vault.fault = undefined
  vault.version = 2
  up()
  await clock.pass(0)
  expect([told, watched.state]).toEqual([['v1', 'v2'], 'current'])
})

test.for(['secret_denied', 'secret_absent', 'secret_deleted'] as const)(
  '%s is told once, holds through an outage, and ends with the next answer',
  async (code) => {
    const { clock, told, vault, watch } = setUp()
    const watched = await watch()
    vault.fault = code
    await clock.pass(3 * MINUTE)
    vault.fault = 'vault_unavailable'
    await clock.pass(3 * MINUTE)
    expect([told, watched.state]).toEqual([['v1', code], 'withdrawn'])
    vault.fault = undefined
    await clock.pass(MINUTE)
    expect([told, watched.state]).toEqual([['v1', code, 'v1'], 'current'])
  },
)

test('is read now for whoever wants that, once for all of them', async () => {
  const { told, vault, asked, watch } = setUp()
  const watched = await watch()
  vault.version = 2
  await Promise.all([watched.refresh(signal), watched.refresh(signal)])
  expect([told, asked.length]).toEqual([['v1', 'v2'], 2])
})

test('what cannot be read at first is not watched', async () => {
  const { vault, watch } = setUp()
  vault.fault = 'secret_absent'
  await expect(watch()).rejects.toMatchObject({ code: 'secret_absent' })
})
