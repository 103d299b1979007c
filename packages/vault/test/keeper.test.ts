import { ServiceError } from '@usdcop/service/errors'
import { expect, onTestFinished, test } from 'vitest'
import { createKeeper, type KeeperOptions } from '../src/keeper.ts'
import { createSimulatedClock } from './simulated-clock.ts'

const { signal } = new AbortController()
const HOUR = 3_600_000

/** A keeper of numbered users, each lent for an hour. */
async function setUp(options: Partial<KeeperOptions<number>> = {}) {
  const clock = createSimulatedClock()
  const states: string[] = []
  const released: number[] = []
  let count = 0
  const grant = () => ({ grantedAt: clock.now(), durationMs: HOUR, renewable: true })
  const keeper = createKeeper<number>({
    clock,
    random: () => 0.5,
    availability: { onUp: () => () => {} },
    isConnectivity: (error) => (error as ServiceError).code === 'vault_unavailable',
    obtain: async () => ({ value: (count += 1), grant: grant() }),
    renew: async () => grant(),
    release: async (value) => void released.push(value),
    tell: ({ state }) => void states.push(state),
    ...options,
  })
  onTestFinished(() => keeper[Symbol.asyncDispose]())
  await clock.pass(0)
  return { clock, keeper, states, released, obtainedCount: () => count }
}

test('the new one is ready for use before the old one is given back', async () => {
  const order: string[] = []
  const ready = Promise.withResolvers<void>()
  const { clock, keeper } = await setUp({
    adopt: async (value) => {
      order.push(`adopting ${value}`)
      if (value === 2) await ready.promise
      order.push(`adopted ${value}`)
    },
    release: async (value) => void order.push(`released ${value}`),
  })
  const replaced = keeper.replace(signal)
  await clock.pass(2_000)
  expect(keeper.current()).toBe(1)
  ready.resolve()
  await replaced
  expect(keeper.current()).toBe(2)
  await clock.pass(0)
  expect(order).toEqual(['adopting 1', 'adopted 1', 'adopting 2', 'adopted 2', 'released 1'])
})

test('one that cannot be adopted is given back, and the old one stays in use', async () => {
  let broken = false
  const { clock, keeper, released } = await setUp({
    adopt: async () => {
      if (broken) throw new Error('no pool')
    },
  })
  broken = true
  const replaced = keeper.replace(signal)
  await clock.pass(1_500)
  expect(keeper.current()).toBe(1)
  expect(released).toEqual([2])
  broken = false
  await clock.pass(5_000)
  await replaced
  expect(keeper.current()).toBe(3)
  expect(released).toEqual([2, 1])
})

test('a refused renewal brings another one at once, while the old one serves', async () => {
  const { clock, keeper, states } = await setUp({
    renew: async () => {
      throw new ServiceError('secret_denied', 'no')
    },
  })
  await clock.pass(0.8 * HOUR)
  expect(states).toEqual(['obtained', 'refused', 'obtained', 'released'])
  expect(keeper.current()).toBe(2)
})

test('an answer that comes after it was replaced changes nothing', async () => {
  const late = Promise.withResolvers<void>()
  const { clock, keeper } = await setUp({
    renew: async () => {
      await late.promise
      return { grantedAt: 0, durationMs: 1, renewable: false }
    },
  })
  await clock.pass(0.8 * HOUR)
  keeper.reject(1)
  late.resolve()
  await clock.pass(2_000)
  expect(keeper.current()).toBe(2)
  expect(keeper.remainingMs()).toBeGreaterThan(HOUR / 2)
})

test('who wants another one while one is on its way gets one that was asked for later', async () => {
  const first = Promise.withResolvers<void>()
  let asked = 0
  const { clock, keeper } = await setUp({
    obtain: async () => {
      asked += 1
      const value = asked
      if (value === 2) await first.promise
      return { value, grant: { grantedAt: 0, durationMs: HOUR, renewable: true } }
    },
  })
  const early = keeper.replace(signal)
  await clock.pass(1_500)
  const late = keeper.replace(signal)
  first.resolve()
  await clock.pass(0)
  expect(keeper.current()).toBe(2)
  await clock.pass(1_500)
  await Promise.all([early, late])
  expect(keeper.current()).toBe(3)
})

test('what is rejected twice is replaced once', async () => {
  const { clock, keeper, obtainedCount } = await setUp()
  keeper.reject(1)
  keeper.reject(1)
  await clock.pass(2_000)
  keeper.reject(1)
  await clock.pass(2_000)
  expect(obtainedCount()).toBe(2)
})

test('whoever asks while there is none is told why, and does not wait out the delay', async () => {
  const fault = new ServiceError('vault_unavailable', 'down')
  const { keeper, clock } = await setUp({
    obtain: async () => {
      throw fault
    },
  })
  await expect(keeper.get(signal)).rejects.toBe(fault)
  await clock.pass(600_000)
  await expect(keeper.get(signal)).rejects.toBe(fault)
})

test('at the end it is given back, and nobody gets it any more', async () => {
  const { keeper, released } = await setUp()
  await keeper[Symbol.asyncDispose]()
  expect(released).toEqual([1])
  expect(keeper.current()).toBeUndefined()
  await expect(keeper.get(signal)).rejects.toMatchObject({ name: 'AbortError' })
})
