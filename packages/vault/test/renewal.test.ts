import { afterEach, describe, expect, test } from 'vitest'
import type { HoldingState, VaultEvent } from '../src/events.ts'
import { createIdentity } from '../src/identity.ts'
import { Secret } from '../src/secret.ts'
import { createVaultServer } from '../src/vault-server.ts'
import { createSimulatedClock } from './simulated-clock.ts'
import { createSimulatedVault, type SimulatedVaultOptions } from './simulated-vault.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

const closing: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of closing.splice(0).toReversed()) await one[Symbol.asyncDispose]()
})

/** A repeatable chance, from 0 to 1. */
function chanceFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function simulate(options: Omit<SimulatedVaultOptions, 'clock'>, clients = 1) {
  const clock = createSimulatedClock()
  const vault = createSimulatedVault({ clock, ...options })
  const events: VaultEvent[] = []
  const server = createVaultServer({
    address: 'https://vault:8200',
    transport: vault,
    clock,
    random: chanceFrom(7),
    observe: (event) => events.push(event),
  })
  closing.push(server)
  const identities = Array.from({ length: clients }, (_, index) => {
    const secretId = new Secret(`secret-id-${index}`)
    const credential = { kind: 'approle', roleId: `role-${index}`, secretId } as const
    const identity = createIdentity(server, {
      name: `client-${index}`,
      source: async () => credential,
    })
    closing.push(identity)
    return identity
  })
  const states = (): HoldingState[] =>
    events.flatMap((event) => (event.kind === 'token' ? [event.state] : []))
  return { clock, vault, identities, states }
}

/** The least time between two calls in a row, of all but the health probe. */
function closest(times: readonly number[]): number {
  return Math.min(...times.slice(1).map((at, index) => Math.round(at - (times[index] ?? 0))))
}

interface Case {
  readonly name: string
  readonly options: Omit<SimulatedVaultOptions, 'clock'>
  readonly for: number
  readonly step: number
}

describe('a token stays valid', () => {
  test.for<Case>([
    { name: '5 s', options: { ttlSeconds: 5 }, for: HOUR, step: 500 },
    { name: '1 h', options: { ttlSeconds: 3_600 }, for: 10 * DAY, step: 5 * MINUTE },
    { name: '768 h', options: { ttlSeconds: 768 * 3_600 }, for: YEAR, step: 6 * HOUR },
    {
      name: '10 years',
      options: { ttlSeconds: (10 * YEAR) / 1_000 },
      for: 60 * YEAR,
      step: 30 * DAY,
    },
    {
      name: '5 s, not renewable',
      options: { ttlSeconds: 5, renewable: false },
      for: HOUR,
      step: 500,
    },
    {
      name: '1 h, not renewable',
      options: { ttlSeconds: 3_600, renewable: false },
      for: 10 * DAY,
      step: 5 * MINUTE,
    },
    {
      name: 'periodic, 1 h',
      options: { ttlSeconds: 3_600, periodSeconds: 3_600 },
      for: 30 * DAY,
      step: 5 * MINUTE,
    },
    {
      name: '1 h of at most 4',
      options: { ttlSeconds: 3_600, maxTtlSeconds: 14_400 },
      for: 10 * DAY,
      step: 5 * MINUTE,
    },
    {
      name: '5 s of at most 12',
      options: { ttlSeconds: 5, maxTtlSeconds: 12 },
      for: HOUR,
      step: 500,
    },
    ...[14, 15, 16, 20].flatMap((ttlSeconds) =>
      [19, 29.5, 33, 47.3].map((maxTtlSeconds) => ({
        name: `${ttlSeconds} s of at most ${maxTtlSeconds}`,
        options: { ttlSeconds, maxTtlSeconds },
        for: 20 * MINUTE,
        step: 500,
      })),
    ),
    {
      name: '5 s of at most 9',
      options: { ttlSeconds: 5, maxTtlSeconds: 9 },
      for: HOUR,
      step: 500,
    },
  ])('$name', async ({ options, for: ms, step }) => {
    const { clock, vault, identities, states } = simulate(options)
    const [identity] = identities
    await clock.pass(0)
    for (let at = 0; at < ms; at += step) {
      await clock.pass(step)
      const newest = [...vault.tokens.values()].some(({ expiresAt }) => expiresAt > clock.now())
      expect({ at, left: (identity?.tokenMsLeft() ?? 0) > 0, newest }).toEqual({
        at,
        left: true,
        newest: true,
      })
    }
    expect(states()).not.toContain('lapsed')
    expect(states()).not.toContain('failed')
    // A revocation belongs to the login before it; everything else keeps its distance.
    const calls = vault.seen.filter(({ path }) => !path.endsWith('revoke-self')).map(({ at }) => at)
    expect(closest(calls)).toBeGreaterThanOrEqual(1_000)
    // Each call buys at least two fifths of a lease.
    expect(calls.length).toBeLessThan(
      2 + (2.5 * ms) / (Math.min(options.ttlSeconds, options.maxTtlSeconds ?? Infinity) * 1_000),
    )
  })

  test('and a periodic one is never logged in again', async () => {
    const { clock, vault, states } = simulate({ ttlSeconds: 3_600, periodSeconds: 3_600 })
    await clock.pass(30 * DAY)
    expect(vault.seen.filter(({ path }) => path === 'auth/approle/login')).toHaveLength(1)
    expect(states()).not.toContain('capped')
  })

  test('and one whose end is near is replaced while it still serves, then revoked', async () => {
    const { clock, vault, states } = simulate({ ttlSeconds: 3_600, maxTtlSeconds: 14_400 })
    await clock.pass(5 * HOUR)
    expect(states()).toEqual(
      [
        'obtained',
        'renewed',
        'renewed',
        'renewed',
        'renewed',
        'capped',
        'obtained',
        'released',
        'renewed',
      ].slice(0, states().length),
    )
    expect(states()).toContain('capped')
    expect(vault.tokens.size).toBe(1)
  })
})

test('a hundred clients that start together do not renew together', async () => {
  const { clock, vault } = simulate({ ttlSeconds: 3_600 }, 100)
  await clock.pass(0)
  vault.seen.length = 0
  await clock.pass(50 * MINUTE)
  const times = vault.seen.map(({ at }) => at).toSorted((a, b) => a - b)
  expect(times).toHaveLength(100)
  // LifetimeWatcher renews a token of an hour after 42 to 44 minutes.
  expect(times[0]).toBeGreaterThanOrEqual(42 * MINUTE)
  expect(times.at(-1)).toBeLessThanOrEqual(44 * MINUTE)
  expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(100_000)
  const perSecond = Map.groupBy(times, (at) => Math.floor(at / 1_000))
  expect(Math.max(...[...perSecond.values()].map(({ length }) => length))).toBeLessThanOrEqual(5)
})

describe('while Vault does not answer', () => {
  test.for(['down', 'sealed'] as const)(
    '%s for ten minutes: few attempts, and back at once',
    async (state) => {
      // A token that ends in the middle of it.
      const { clock, vault, identities, states } = simulate({ ttlSeconds: 300 })
      const [identity] = identities
      await clock.pass(60_000)
      vault.state = state
      vault.seen.length = 0
      const signal = new AbortController().signal
      let answers = 0
      // A caller that asks once a second.
      for (let second = 0; second < 600; second += 1) {
        await clock.pass(1_000)
        await identity?.ready(signal).then(
          () => (answers += 1),
          () => {},
        )
      }
      const attempts = vault.seen.filter(({ path }) => path !== 'sys/health')
      expect(attempts.length).toBeGreaterThan(0)
      expect(attempts.length).toBeLessThanOrEqual(30)
      expect(answers).toBeLessThan(300)
      expect(states()).toContain('lapsed')
      vault.state = 'up'
      const backAt = clock.now()
      while ((identity?.tokenMsLeft() ?? 0) === 0 && clock.now() - backAt < MINUTE)
        await clock.pass(100)
      expect(clock.now() - backAt).toBeLessThanOrEqual(5_000)
    },
  )

  test('a hundred clients come back spread over a second, once each', async () => {
    const { clock, vault } = simulate({ ttlSeconds: 300 }, 100)
    await clock.pass(60_000)
    vault.state = 'down'
    await clock.pass(10 * MINUTE)
    vault.seen.length = 0
    vault.state = 'up'
    await clock.pass(5_000)
    const logins = vault.seen.filter(({ path }) => path === 'auth/approle/login')
    expect(logins).toHaveLength(100)
    const times = logins.map(({ at }) => at)
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(500)
  })
})

test('a token that somebody revoked is replaced when it is to be renewed, without a loop', async () => {
  const { clock, vault, identities } = simulate({ ttlSeconds: 3_600 })
  await clock.pass(0)
  vault.revokeAll()
  await clock.pass(HOUR)
  const calls = vault.seen.map(({ path }) => path)
  expect(calls.filter((path) => path === 'auth/approle/login')).toHaveLength(2)
  expect(calls.length).toBeLessThanOrEqual(4)
  expect(identities[0]?.tokenMsLeft()).toBeGreaterThan(0)
})
