import { setImmediate as turn } from 'node:timers/promises'
import type { ServiceError } from '@usdcop/service/errors'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createIdentity } from '../src/identity.ts'
import { Secret } from '../src/secret.ts'
import { createSecretReader } from '../src/secret-reader.ts'
import { createVaultServer } from '../src/vault-server.ts'
import { createSimulatedClock } from './simulated-clock.ts'
import { createSimulatedVault } from './simulated-vault.ts'

const ROLES = ['one', 'two', 'three'] as const
const PATHS = ['a', 'b'] as const
const INTERLEAVINGS = 10_000

const role = fc.constantFrom(...ROLES)
const path = fc.constantFrom(...PATHS)
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('read' as const), role, path, fresh: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('let through' as const), which: fc.nat(5) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('write' as const), role, path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deny' as const), role, path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const), role, path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('forget' as const), role, path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('revoke' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('up', 'down', 'sealed') }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(10, 1_500, 20_000),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/**
 * Any order of reads, writes, denials, outages, revocations and answers that come late. Values name who may read them and
 * count upwards, so that each answer tells whose it is and from when.
 */
async function interleave(steps: readonly Step[]): Promise<number> {
  const clock = createSimulatedClock()
  const vault = createSimulatedVault({ clock, ttlSeconds: 300 })
  await using server = createVaultServer({
    address: 'https://vault:8200',
    transport: vault,
    clock,
    random: () => 0.5,
  })
  const identities = ROLES.map((name) => {
    const credential = {
      kind: 'approle',
      roleId: name,
      secretId: new Secret(`id-of-${name}`),
    } as const
    return createIdentity(server, { name, source: async () => credential })
  })
  const readers = new Map(
    identities.map((identity) => [
      identity.name,
      createSecretReader({ identity, ttlMs: 1_000, maxStaleMs: 10_000 }),
    ]),
  )
  let count = 0
  const write = (of: string, at: string) => {
    count += 1
    vault.secrets.get(of)?.set(at, `${of}:${at}:${count}`)
  }
  for (const of of ROLES) {
    vault.secrets.set(of, new Map())
    for (const at of PATHS) write(of, at)
  }
  await clock.pass(0)
  const held: (() => void)[] = []
  vault.gate = (asked) => {
    if (!asked.startsWith('secret/')) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    held.push(resolve)
    return promise
  }
  /** What had been written when a denial or an absence was told, by role and path. */
  const deniedAt = new Map<string, number>()
  const reads: Promise<void>[] = []
  let answered = 0

  async function read(of: string, at: string, fresh: boolean): Promise<void> {
    const place = `${of}:${at}`
    const denied = deniedAt.get(place) ?? 0
    try {
      const answer = await readers
        .get(of)
        ?.read({ mount: 'secret', path: at, fresh }, new AbortController().signal)
      const [owner, where, number] = answer?.fields.get('value')?.reveal().split(':') ?? []
      answered += 1
      expect(`${owner}:${where}`).toBe(place)
      // Nothing that was read before a denial is ever told after it.
      expect(Number(number)).toBeGreaterThan(denied)
    } catch (error) {
      const { code } = error as ServiceError
      if (code === undefined) throw error
      if (code === 'secret_denied' || code === 'secret_absent') deniedAt.set(place, count)
    }
  }

  for (const one of steps) {
    if (one.do === 'read') reads.push(read(one.role, one.path, one.fresh))
    else if (one.do === 'let through') held.splice(one.which % Math.max(1, held.length), 1)[0]?.()
    else if (one.do === 'write') write(one.role, one.path)
    else if (one.do === 'deny') vault.secrets.get(one.role)?.set(one.path, 'denied')
    else if (one.do === 'delete') vault.secrets.get(one.role)?.delete(one.path)
    else if (one.do === 'forget') readers.get(one.role)?.forget({ mount: 'secret', path: one.path })
    else if (one.do === 'revoke') vault.revokeAll()
    else if (one.do === 'pass') await clock.pass(one.ms)
    else vault.state = one.do
    await turn()
  }
  vault.gate = async () => {}
  for (const letThrough of held) letThrough()
  await clock.pass(5_000)
  await Promise.all(reads)
  for (const identity of identities) await identity[Symbol.asyncDispose]()
  return answered
}

test(`no identity ever gets what is another’s, or what was denied to it: ${INTERLEAVINGS} interleavings`, {
  timeout: 300_000,
}, async () => {
  let answered = 0
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 6, maxLength: 30 }),
    async (steps) => {
      answered += await interleave(steps)
    },
  )
  await fc.assert(property, { numRuns: INTERLEAVINGS, seed: 20_260_601 })
  expect(answered).toBeGreaterThan(INTERLEAVINGS)
})
