import { expect, onTestFinished, test } from 'vitest'
import type { VaultEvent } from '../src/events.ts'
import { createIdentity } from '../src/identity.ts'
import { createSecretIdKeeper, rotationDueAt } from '../src/secret-id-keeper.ts'
import { createVaultServer } from '../src/vault-server.ts'
import { createSimulatedAppRole, createSimulatedFolder } from './simulated-approle.ts'
import { createSimulatedClock } from './simulated-clock.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const LOOK_EVERY_MS = 5 * 60_000

/** A broker with a secret id of 24 hours; chance is drawn from a fixed row. */
async function setUp(given: { readonly draws?: readonly number[] } = {}) {
  const clock = createSimulatedClock()
  const vault = createSimulatedAppRole(clock)
  const events: VaultEvent[] = []
  const draws = given.draws ?? [0.1, 0.9, 0.5, 0.3, 0.7]
  let drawn = 0
  const random = () => draws[(drawn += 1) % draws.length] ?? 0.5
  const server = createVaultServer({
    address: 'http://vault:8200',
    transport: vault,
    clock,
    random,
    observe: (event) => void events.push(event),
  })
  const folder = createSimulatedFolder(vault.make(86_400, ['10.0.0.0/8']))
  const identity = createIdentity(server, { name: 'secrets-broker', source: folder.source })
  const start = () =>
    createSecretIdKeeper({ identity, folder, now: () => clock.now(), lookEveryMs: LOOK_EVERY_MS })
  const keeper = start()
  onTestFinished(async () => {
    await keeper[Symbol.asyncDispose]()
    await identity[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const told = (state: string) =>
    events.filter((event) => event.kind === 'secret_id' && event.state === state).length
  const requests = (ending: string) => vault.seen.filter(({ path }) => path.endsWith(ending))
  return { clock, vault, folder, identity, keeper, start, told, requests }
}

test('a secret id is due at half of its life, a tenth of that earlier or later, and never where it does not end', () => {
  const life = { createdAt: 1_000_000, expiresAt: 1_000_000 + DAY }
  expect(rotationDueAt(life, 0)).toBe(1_000_000 + 10.8 * HOUR)
  expect(rotationDueAt(life, 1)).toBeCloseTo(1_000_000 + 13.2 * HOUR)
  expect(rotationDueAt({ ...life, expiresAt: Infinity }, 0.5)).toBe(Infinity)
})

test('over 30 days it never lapses, is replaced every twelve hours or so, and one alone lives', async () => {
  const { clock, vault, folder, keeper, told, requests } = await setUp()
  await clock.pass(2 * LOOK_EVERY_MS)
  for (let hour = 0; hour < 30 * 24; hour += 1) {
    await clock.pass(HOUR)
    const current = (await folder.read('current'))?.reveal() ?? ''
    expect(vault.live()).toEqual([current])
    expect(keeper.msLeft()).toBeGreaterThan(10.7 * HOUR)
  }
  const made = requests('/secret-id').map(({ at }) => at)
  for (const [index, at] of made.slice(1).entries()) {
    const since = at - (made[index] ?? 0)
    expect(since).toBeGreaterThan(10.79 * HOUR)
    expect(since).toBeLessThan(13.25 * HOUR)
  }
  expect(told('rotated')).toBe(made.length)
  expect(told('rotated')).toBeGreaterThan(53)
  expect(told('destroyed')).toBe(made.length)
  expect(told('failed') + told('refused')).toBe(0)
  // The addresses that it is bound to go with it.
  expect([...vault.ids.values()].map(({ cidrs }) => cidrs)).toEqual([['10.0.0.0/8']])
  // A look-up when it is learnt and one before the old one is destroyed: no look costs a request.
  expect(requests('/lookup').length).toBeLessThanOrEqual(2 * made.length + 1)
})

test('Vault away when it is due: it waits without asking, and has a successor within two looks of its return', async () => {
  const { clock, vault, told } = await setUp({ draws: [0] })
  await clock.pass(10.5 * HOUR)
  vault.state = 'down'
  const before = vault.seen.length
  await clock.pass(HOUR)
  const asked = vault.seen.slice(before).filter(({ path }) => path !== 'sys/health')
  // The login's own tries are among them.
  expect(asked.length).toBeLessThan(10)
  expect(told('rotated')).toBe(0)
  vault.state = 'up'
  await clock.pass(2 * LOOK_EVERY_MS)
  expect(told('rotated')).toBe(1)
  expect(vault.live()).toHaveLength(1)
})

test('a process that starts anew knows its life from Vault: the time that has passed counts', async () => {
  const { clock, keeper, start, told, requests } = await setUp()
  await clock.pass(8 * HOUR)
  await keeper[Symbol.asyncDispose]()
  await clock.pass(1 * HOUR)
  const again = start()
  onTestFinished(() => again[Symbol.asyncDispose]())
  await clock.pass(2 * LOOK_EVERY_MS)
  expect(again.msLeft()).toBeLessThanOrEqual(15 * HOUR)
  expect(told('rotated')).toBe(0)
  await clock.pass(4.5 * HOUR)
  expect(told('rotated')).toBe(1)
  const [made] = requests('/secret-id')
  expect(made?.at).toBeGreaterThan(10.79 * HOUR)
  expect(made?.at).toBeLessThan(13.3 * HOUR)
})

test('a successor that Vault refuses is thrown away, the old one stays, and the next comes so late that no role is locked', async () => {
  const { clock, vault, folder, told, requests } = await setUp({ draws: [0] })
  const old = (await folder.read('current'))?.reveal()
  // Gone before it is shown, as one is that is bound to another address.
  const exchange = vault.exchange.bind(vault)
  vault.exchange = async (asked, signal) => {
    const answer = await exchange(asked, signal)
    if (asked.url.pathname.endsWith('/secret-id')) {
      const { data } = answer.body as { data: { secret_id: string } }
      const known = vault.ids.get(data.secret_id)
      if (known !== undefined) vault.ids.set(data.secret_id, { ...known, expiresAt: 0 })
    }
    return answer
  }
  await clock.pass(12 * HOUR)
  expect((await folder.read('current'))?.reveal()).toBe(old)
  expect(await folder.read('next')).toBeUndefined()
  const times = requests('/secret-id').map(({ at }) => at)
  expect(times.length).toBeGreaterThan(2)
  for (const [index, at] of times.slice(1).entries())
    expect(at - (times[index] ?? 0)).toBeGreaterThanOrEqual(16 * 60_000)
  expect(told('refused')).toBe(times.length)
})

test('many brokers that were started together do not come together', () => {
  const life = { createdAt: 0, expiresAt: DAY }
  const due = Array.from({ length: 100 }, (_, index) => rotationDueAt(life, index / 99))
  expect(Math.max(...due) - Math.min(...due)).toBeGreaterThan(2 * HOUR)
})
