import { digestOf } from '@usdcop/service/auth'
import { Secret } from '@usdcop/vault/secret'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Leftovers,
  type PasswordHash,
  passwordHash,
  planAcl,
} from '../../src/redis-rotation/plan.ts'

const GRACE = 1_000
const NONE: Leftovers = new Map()

test('a password is told to Redis by its SHA-256', () => {
  expect(passwordHash(new Secret('hunter2'))).toBe(digestOf('hunter2'))
})

test('where Redis accepts the current password alone there is nothing to do', () => {
  const state = { current: 'p', accepted: new Set(['p']), leftovers: NONE, now: 5, graceMs: GRACE }
  expect(planAcl(state)).toEqual({ add: false, remove: [], leftovers: NONE, nextAt: Infinity })
})

test('a current password that Redis does not know is added; the others go after a grace, not at once', () => {
  const accepted = new Set(['old'])
  const first = planAcl({ current: 'p', accepted, leftovers: NONE, now: 100, graceMs: GRACE })
  expect(first).toMatchObject({ add: true, remove: [], nextAt: 1_100 })
  const both = { current: 'p', accepted: new Set(['old', 'p']), graceMs: GRACE }
  const early = planAcl({ ...both, leftovers: first.leftovers, now: 1_099 })
  expect(early.remove).toEqual([])
  const late = planAcl({ ...both, leftovers: early.leftovers, now: 1_100 })
  expect(late).toMatchObject({ add: false, remove: ['old'], nextAt: Infinity })
})

test('one that becomes current again is left over no more, and its grace begins anew', () => {
  const accepted = new Set(['a', 'b'])
  const one = planAcl({ current: 'a', accepted, leftovers: NONE, now: 0, graceMs: GRACE })
  const two = planAcl({
    current: 'b',
    accepted,
    leftovers: one.leftovers,
    now: 900,
    graceMs: GRACE,
  })
  const three = planAcl({
    current: 'a',
    accepted,
    leftovers: two.leftovers,
    now: 1_200,
    graceMs: GRACE,
  })
  expect(three.remove).toEqual([])
  expect(three.leftovers.get('b')).toBe(1_200)
})

/**
 * Redis in memory and on disk, Vault, and two brokers at once, which stop anywhere and begin again. A broker is generators of single
 * steps, so that whatever can come between two of them does.
 */
function createModel() {
  const world = { vault: 'p0', version: 0, memory: new Set(['p0']), disk: new Set(['p0']), now: 0 }
  let count = 0

  function* reconcile(memory: {
    leftovers: Leftovers
    saved: boolean
  }): Generator<undefined, void> {
    const current = world.vault
    yield
    const plan = planAcl({
      current,
      accepted: new Set(world.memory),
      leftovers: memory.leftovers,
      now: world.now,
      graceMs: GRACE,
    })
    if (plan.add || plan.remove.length > 0) memory.saved = false
    yield
    if (plan.add) world.memory.add(current)
    for (const hash of plan.remove) {
      yield
      world.memory.delete(hash)
    }
    yield
    if (!memory.saved) world.disk = new Set(world.memory)
    memory.saved = true
    memory.leftovers = plan.leftovers
  }

  function* rotate(memory: { leftovers: Leftovers; saved: boolean }): Generator<undefined, void> {
    yield* reconcile(memory)
    const { version } = world
    const next = `p${(count += 1)}`
    yield
    world.memory.add(next)
    yield
    world.disk = new Set(world.memory)
    yield
    if (world.version !== version) {
      world.memory.delete(next)
      memory.saved = false
      return
    }
    world.vault = next
    world.version += 1
  }
  return { world, reconcile, rotate }
}

test('two brokers that rotate at once and are killed anywhere: Redis accepts what Vault says at every step', () => {
  const step = fc.record({
    who: fc.nat(1),
    what: fc.constantFrom('go', 'go', 'go', 'go', 'go', 'go', 'kill'),
    begins: fc.constantFrom('rotate', 'reconcile'),
    // A broker makes its steps within the limits of its requests, which the grace is far beyond.
    ms: fc.nat(40),
    restart: fc.nat(40),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 400 }), (steps) => {
      const { world, reconcile, rotate } = createModel()
      const fresh = () => ({ leftovers: NONE, saved: false })
      const memories = [fresh(), fresh()]
      const running: (Generator<undefined, void> | undefined)[] = [undefined, undefined]
      for (const { who, what, begins, ms, restart } of steps) {
        world.now += ms
        // Redis starts again from its file, when nobody is half-way between its memory and its file.
        if (restart === 0 && running.every((one) => one === undefined))
          world.memory = new Set(world.disk)
        const memory = memories[who] ?? fresh()
        if (what === 'kill') {
          memories[who] = fresh()
          running[who] = undefined
        } else {
          const one = running[who] ?? (begins === 'rotate' ? rotate(memory) : reconcile(memory))
          running[who] = one.next().done === true ? undefined : one
        }
        expect(world.memory).toContain(world.vault)
      }
    }),
    { numRuns: 500 },
  )
})

test('whatever the state, the plan ends at the current password alone once every grace is over', () => {
  const hash = fc.constantFrom<PasswordHash>('a', 'b', 'c', 'd')
  fc.assert(
    fc.property(hash, fc.uniqueArray(hash), fc.nat(5_000), (current, accepted, now) => {
      const start = { current, accepted: new Set(accepted), graceMs: GRACE }
      const first = planAcl({ ...start, leftovers: NONE, now })
      expect(first.remove).toEqual([])
      const held = new Set([...accepted, current])
      const last = planAcl({
        current,
        accepted: held,
        leftovers: first.leftovers,
        now: now + GRACE,
        graceMs: GRACE,
      })
      expect(last.add).toBe(false)
      expect(new Set([...held].filter((one) => !last.remove.includes(one)))).toEqual(
        new Set([current]),
      )
    }),
  )
})
