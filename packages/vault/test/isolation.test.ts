import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createIdentity } from '../src/identity.ts'
import { Secret } from '../src/secret.ts'
import { createSecretReader, type SecretReader } from '../src/secret-reader.ts'
import { createWorld } from './interleaved-world.ts'

const ROLES = ['one', 'two', 'three'] as const
const PATHS = ['a', 'b'] as const
const INTERLEAVINGS = 10_000

const role = fc.constantFrom(...ROLES)
const path = fc.constantFrom(...PATHS)
const doing = <Name extends string>(...names: readonly Name[]) => fc.constantFrom(...names)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: doing('read'), role, path, fresh: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: doing('let through'), which: fc.nat(5) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: doing('write', 'write', 'deny', 'deny', 'delete', 'forget'),
      role,
      path,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: doing('revoke', 'up', 'down', 'sealed') }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: doing('pass'), ms: fc.constantFrom(10, 1_500, 20_000) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** Any order of reads, writes, denials, outages, revocations and answers that come late. */
async function interleave(steps: readonly Step[]): Promise<number> {
  const world = createWorld(ROLES, PATHS)
  const { clock, vault } = world
  await using server = world.server
  const identities = ROLES.map((name) => {
    const secretId = new Secret(`id-of-${name}`)
    const credential = { kind: 'approle', roleId: name, secretId } as const
    return createIdentity(server, { name, source: async () => credential })
  })
  const readers = new Map<string, SecretReader>(
    identities.map((identity) => [
      identity.name,
      createSecretReader({ identity, ttlMs: 1_000, maxStaleMs: 10_000 }),
    ]),
  )
  const readerOf = (of: string): SecretReader => {
    const reader = readers.get(of)
    if (reader === undefined) throw new Error(`no reader of ${of}`)
    return reader
  }
  await clock.pass(0)
  world.hold()
  for (const one of steps) {
    if (one.do === 'read')
      world.read(one.role, one.path, () => {
        const request = { mount: 'secret', path: one.path, fresh: one.fresh }
        return readerOf(one.role).read(request, new AbortController().signal)
      })
    else if (one.do === 'let through') world.letThrough(one.which)
    else if (one.do === 'write') world.write(one.role, one.path)
    else if (one.do === 'deny') world.deny(one.role, one.path)
    else if (one.do === 'delete') world.remove(one.role, one.path)
    else if (one.do === 'forget') readerOf(one.role).forget({ mount: 'secret', path: one.path })
    else if (one.do === 'revoke') vault.revokeAll()
    else if (one.do === 'pass') await clock.pass(one.ms)
    else vault.state = one.do
    await turn()
  }
  await world.settle()
  for (const identity of identities) await identity[Symbol.asyncDispose]()
  return world.answered
}

test(`no identity ever gets what is another’s, or what was denied to it: ${INTERLEAVINGS} interleavings`, {
  timeout: 600_000,
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
