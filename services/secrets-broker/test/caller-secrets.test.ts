import { setImmediate as turn } from 'node:timers/promises'
import { createIdentity } from '@usdcop/vault/identity'
import { Secret } from '@usdcop/vault/secret'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorld } from '../../../packages/vault/test/interleaved-world.ts'
import { createCallerSecrets } from '../src/caller-secrets.ts'
import type { Caller } from '../src/callers.ts'
import { createIssuer } from '../src/issuer.ts'
import { logInWith, wrapSecretIds } from './simulated-wrapping.ts'

const INTERLEAVINGS = 10_000
const CALLERS: readonly Caller[] = ['alpha', 'beta'].map((name) => ({
  name,
  role: `${name}-role`,
  cidrs: [],
  secrets: true,
}))
const PATHS = ['a', 'b']
const caller = fc.constantFrom(...CALLERS)
const path = fc.constantFrom(...PATHS)
const doing = <Name extends string>(...names: readonly Name[]) => fc.constantFrom(...names)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: doing('read'), caller, path, fresh: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: doing('let through'), which: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: doing('write', 'deny'), caller, path }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: doing('issue', 'rotate', 'revoke', 'restore', 'flush'), caller }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: doing('flush all', 'revoke tokens', 'up', 'down', 'sealed') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: doing('pass'), ms: fc.constantFrom(10, 1_500, 20_000) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

interface Seen {
  readonly answered: number
  readonly issued: number
}

/**
 * Any order of reads, identities, rotations, revocations, flushes, outages and answers that come late, with the broker's own
 * logins for its callers as they are: by secret ids that it wraps and opens.
 */
async function interleave(steps: readonly Step[]): Promise<Seen> {
  const world = createWorld(
    CALLERS.map(({ role }) => role),
    PATHS,
  )
  const { clock, vault } = world
  wrapSecretIds(vault)
  await using server = world.server
  const own = { kind: 'approle', roleId: 'broker', secretId: new Secret('of the broker') } as const
  await using identity = createIdentity(server, { name: 'broker', source: async () => own })
  const issuer = createIssuer({ identity, wrapTtlSeconds: 60, secretIdTtlSeconds: 120 })
  const secrets = createCallerSecrets({ server, issuer, ttlMs: 1_000, maxStaleMs: 10_000 })
  const signal = new AbortController().signal
  let issued = 0

  function read(of: Caller, at: string, fresh: boolean): void {
    world.read(of.role, at, async () => {
      const request = { mount: 'secret', path: at, fresh }
      // As the route does.
      const answer = secrets.kept(of, request) ?? (await secrets.read(of, request, signal))
      expect(secrets.isRevoked(of)).toBe(false)
      return answer
    })
  }

  /** Each identity opens once, logs in once, and as its own caller. */
  async function issue(of: Caller): Promise<void> {
    const given = await issuer.issue(of, signal).catch(() => undefined)
    if (given === undefined) return
    const roles = [await logInWith(vault, given), await logInWith(vault, given)]
    // An outage may come between, or all tokens may have been revoked.
    if (roles[0] !== undefined) issued += 1
    expect([
      [of.role, undefined],
      [undefined, undefined],
    ]).toContainEqual(roles)
  }

  world.hold()
  for (const one of steps) {
    if (one.do === 'read') read(one.caller, one.path, one.fresh)
    else if (one.do === 'issue') world.begin(issue(one.caller))
    else if (one.do === 'let through') world.letThrough(one.which)
    else if (one.do === 'write') world.write(one.caller.role, one.path)
    else if (one.do === 'deny') world.deny(one.caller.role, one.path)
    else if (one.do === 'rotate') world.begin(secrets.rotate(one.caller))
    else if (one.do === 'revoke') world.begin(secrets.revoke(one.caller))
    else if (one.do === 'restore') secrets.restore(one.caller)
    else if (one.do === 'flush') secrets.flush(one.caller)
    else if (one.do === 'flush all') secrets.flush()
    else if (one.do === 'revoke tokens') vault.revokeAll()
    else if (one.do === 'pass') await clock.pass(one.ms)
    else vault.state = one.do
    await turn()
  }
  await world.settle()
  vault.state = 'up'
  await clock.pass(120_000)
  await secrets[Symbol.asyncDispose]()
  return { answered: world.answered, issued }
}

test(`no caller ever gets what is another’s, was denied to it, or anything while revoked: ${INTERLEAVINGS} interleavings`, {
  timeout: 600_000,
}, async () => {
  let answered = 0
  let issued = 0
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 6, maxLength: 30 }),
    async (steps) => {
      const seen = await interleave(steps)
      answered += seen.answered
      issued += seen.issued
    },
  )
  await fc.assert(property, { numRuns: INTERLEAVINGS, seed: 20_261_128 })
  expect(answered).toBeGreaterThan(INTERLEAVINGS)
  expect(issued).toBeGreaterThan(INTERLEAVINGS / 4)
})
