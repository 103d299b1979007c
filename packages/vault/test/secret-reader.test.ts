import { type ErrorCode, ServiceError } from '@usdcop/service/errors'
import { afterEach, describe, expect, test } from 'vitest'
import { createEnvironmentReader, createEnvironmentSecrets } from '../src/environment-secrets.ts'
import type { VaultEvent } from '../src/events.ts'
import { createIdentity } from '../src/identity.ts'
import { Secret } from '../src/secret.ts'
import { createSecretReader, type SecretReaderOptions } from '../src/secret-reader.ts'
import { createVaultServer } from '../src/vault-server.ts'
import { createSimulatedClock } from './simulated-clock.ts'
import { createSimulatedVault } from './simulated-vault.ts'

const closing: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of closing.splice(0).toReversed()) await one[Symbol.asyncDispose]()
})
const { signal } = new AbortController()
const A = { mount: 'secret', path: 'a' }

async function setUp(
  options: Partial<SecretReaderOptions> = {},
  roles = ['one', 'two'],
  ttlSeconds = 86_400,
) {
  const clock = createSimulatedClock()
  const vault = createSimulatedVault({ clock, ttlSeconds })
  const events: VaultEvent[] = []
  const observe = (event: VaultEvent) => void events.push(event)
  const server = createVaultServer({
    address: 'https://vault:8200',
    transport: vault,
    clock,
    observe,
    random: () => 0,
  })
  closing.push(server)
  const readers = roles.map((role) => {
    const credential = {
      kind: 'approle',
      roleId: role,
      secretId: new Secret(`id-of-${role}`),
    } as const
    const identity = createIdentity(server, { name: role, source: async () => credential })
    closing.push(identity)
    return createSecretReader({ identity, ...options })
  })
  for (const role of roles) vault.secrets.set(role, new Map([['a', `a-of-${role}`]]))
  await clock.pass(0)
  vault.seen.length = 0
  const [reader] = readers
  if (reader === undefined) throw new Error('no reader')
  const reads = () => vault.seen.filter(({ path }) => path.startsWith('secret/data/')).length
  return { clock, vault, readers, reader, events, reads }
}

async function codeOf(work: Promise<unknown>): Promise<ErrorCode | 'answered'> {
  return work.then(
    () => 'answered' as const,
    (error: unknown) => (error as ServiceError).code,
  )
}
const valueOf = async (answer: Promise<{ fields: ReadonlyMap<string, Secret> }>) =>
  (await answer).fields.get('value')?.reveal()

test('a thousand callers of one secret share one request, and two identities make two', async () => {
  const { readers, reads } = await setUp()
  const answers = await Promise.all(
    readers.flatMap((reader) =>
      Array.from({ length: 1_000 }, () => valueOf(reader.read(A, signal))),
    ),
  )
  expect(reads()).toBe(2)
  expect(Object.groupBy(answers, String)).toMatchObject({
    'a-of-one': expect.objectContaining({ length: 1_000 }),
    'a-of-two': expect.objectContaining({ length: 1_000 }),
  })
})

test('an answer is kept for its time, and a change is seen when it is over', async () => {
  const { clock, vault, reader, reads } = await setUp({ ttlMs: 1_000 })
  expect(await reader.read(A, signal)).toMatchObject({ source: 'vault', ageMs: 0, version: 1 })
  vault.secrets.get('one')?.set('a', 'changed')
  await clock.pass(999)
  expect(await reader.read(A, signal)).toMatchObject({ source: 'cache', ageMs: 999 })
  expect(reads()).toBe(1)
  await clock.pass(1)
  expect(await valueOf(reader.read(A, signal))).toBe('changed')
})

test('no setting keeps an answer longer than five minutes', async () => {
  const { clock, reader, reads } = await setUp({ ttlMs: 86_400_000 })
  await reader.read(A, signal)
  await clock.pass(299_999)
  await reader.read(A, signal)
  expect(reads()).toBe(1)
  await clock.pass(1)
  await reader.read(A, signal)
  expect(reads()).toBe(2)
})

test('whoever asks for it fresh gets it from Vault, or the fault', async () => {
  const { vault, reader } = await setUp()
  await reader.read(A, signal)
  vault.secrets.get('one')?.set('a', 'changed')
  expect(await valueOf(reader.read({ ...A, fresh: true }, signal))).toBe('changed')
  expect(await valueOf(reader.read(A, signal))).toBe('changed')
  vault.state = 'down'
  expect(await codeOf(reader.read({ ...A, fresh: true }, signal))).toBe('vault_unavailable')
})

test('what was asked before a path was forgotten is given and not kept', async () => {
  const { vault, reader, reads } = await setUp()
  const held = Promise.withResolvers<void>()
  vault.gate = () => held.promise
  const early = reader.read(A, signal)
  await expect.poll(() => reads()).toBe(1)
  reader.forget(A)
  const late = reader.read(A, signal)
  // Rotation tells a reader to forget: whoever asks from then on must not share what was asked before.
  await expect.poll(() => reads()).toBe(2)
  held.resolve()
  await Promise.all([early, late])
  reader.forget(A)
  await reader.read(A, signal)
  expect(reads()).toBe(3)
})

test('a caller who leaves takes nothing from the others', async () => {
  const { vault, reader, reads } = await setUp()
  const held = Promise.withResolvers<void>()
  vault.gate = () => held.promise
  const leaving = new AbortController()
  const left = codeOf(reader.read(A, leaving.signal))
  const stays = valueOf(reader.read(A, signal))
  leaving.abort(new ServiceError('caller_left', 'left'))
  expect(await left).toBe('caller_left')
  held.resolve()
  expect(await stays).toBe('a-of-one')
  expect(reads()).toBe(1)
})

describe('while Vault does not answer', () => {
  test.for(['down', 'sealed'] as const)(
    '%s: a kept answer stands in, marked, until its bound',
    async (state) => {
      const { clock, vault, reader } = await setUp({ ttlMs: 1_000, maxStaleMs: 60_000 })
      await reader.read(A, signal)
      vault.state = state
      await clock.pass(60_000)
      expect(await reader.read(A, signal)).toMatchObject({ source: 'stale', ageMs: 60_000 })
      await clock.pass(1)
      const code = state === 'down' ? 'vault_unavailable' : 'vault_sealed'
      expect(await codeOf(reader.read(A, signal))).toBe(code)
    },
  )

  test('nothing stands in where the bound is 0, or nothing was read', async () => {
    const { vault, reader } = await setUp({ ttlMs: 0, maxStaleMs: 0 })
    await reader.read(A, signal)
    vault.state = 'down'
    expect(await codeOf(reader.read(A, signal))).toBe('vault_unavailable')
    expect(await codeOf(reader.read({ ...A, path: 'b' }, signal))).toBe('vault_unavailable')
  })

  test('nothing is kept from a token that has ended, but what may stand in', async () => {
    const { clock, vault, reader } = await setUp({ ttlMs: 300_000 }, ['one'], 100)
    await reader.read(A, signal)
    vault.state = 'down'
    await clock.pass(101_000)
    expect(await reader.read(A, signal)).toMatchObject({ source: 'stale' })
  })
})

describe('a denial or an absence is an answer', () => {
  test.for([
    ['denied', 'secret_denied'],
    [undefined, 'secret_absent'],
  ] as const)(
    '%s: nothing kept or allowed stands in for it, then or later',
    async ([value, code]) => {
      const env = { A_VALUE: 'of-the-environment' }
      const allowed = { a: { value: 'A_VALUE' } }
      const environment = createEnvironmentSecrets({
        mount: 'secret',
        allowed,
        env,
        production: false,
      })
      const { clock, vault, reader } = await setUp({ ttlMs: 1_000, environment })
      await reader.read(A, signal)
      if (value === undefined) vault.secrets.get('one')?.delete('a')
      else vault.secrets.get('one')?.set('a', value)
      await clock.pass(1_000)
      expect(await codeOf(reader.read(A, signal))).toBe(code)
      vault.state = 'down'
      const later = await reader.read(A, signal)
      // What was kept is gone: a variable stands in, which the operator has allowed, and never the old value.
      expect(later.source).toBe('environment')
    },
  )

  test('what was being read when it came is not kept', async () => {
    const { vault, reader, reads } = await setUp()
    const slow = Promise.withResolvers<void>()
    vault.gate = () => slow.promise
    const early = reader.read({ ...A, version: 1 }, signal)
    await expect.poll(() => reads()).toBe(1)
    vault.gate = async () => {}
    vault.secrets.get('one')?.set('a', 'denied')
    expect(await codeOf(reader.read(A, signal))).toBe('secret_denied')
    vault.secrets.get('one')?.set('a', 'allowed')
    slow.resolve()
    expect(await valueOf(early)).toBe('allowed')
    const before = reads()
    await reader.read({ ...A, version: 1 }, signal)
    expect(reads()).toBe(before + 1)
  })
})

describe('variables of an explicit list', () => {
  const allowed = { a: { value: 'A_VALUE' }, both: { user: 'B_USER', password: 'B_PASSWORD' } }
  const env = { A_VALUE: 'of-the-environment', B_USER: 'only-half', OTHER: 'not-on-the-list' }
  const make = () => createEnvironmentSecrets({ mount: 'secret', allowed, env, production: false })

  test('stand in only while nobody answers, marked, and are not kept', async () => {
    const { clock, vault, reader } = await setUp({ environment: make(), maxStaleMs: 0 })
    expect(await reader.read(A, signal)).toMatchObject({ source: 'vault' })
    vault.state = 'down'
    await clock.pass(300_000)
    expect(await reader.read(A, signal)).toMatchObject({
      source: 'environment',
      version: undefined,
    })
    expect(await codeOf(reader.read({ ...A, path: 'both' }, signal))).toBe('vault_unavailable')
    expect(await codeOf(reader.read({ ...A, version: 3 }, signal))).toBe('vault_unavailable')
    vault.state = 'up'
    await clock.pass(10_000)
    expect(await valueOf(reader.read(A, signal))).toBe('a-of-one')
  })

  test('are refused in production', () => {
    const options = { mount: 'secret', allowed, env, production: true }
    expect(() => createEnvironmentSecrets(options)).toThrow(
      'in production no secret comes from the environment',
    )
  })

  test('can be all there is, where there is no Vault', async () => {
    const reader = createEnvironmentReader(make())
    expect(await valueOf(reader.read(A, signal))).toBe('of-the-environment')
    expect(await codeOf(reader.read({ ...A, path: 'both' }, signal))).toBe('secret_absent')
    expect(await codeOf(reader.read({ ...A, mount: 'other' }, signal))).toBe('secret_absent')
    expect(await codeOf(reader.read({ ...A, path: '../a' }, signal))).toBe('secret_path_invalid')
  })
})

test('tells what it holds, and drops what nobody may be given any more', async () => {
  const { clock, reader, vault } = await setUp({ ttlMs: 1_000, maxStaleMs: 10_000 })
  vault.secrets.get('one')?.set('b', 'b-of-one')
  expect(reader.holds()).toEqual({ secrets: 0, oldestMs: 0 })
  await reader.read(A, signal)
  await clock.pass(5_000)
  await reader.read({ ...A, path: 'b' }, signal)
  expect(reader.holds()).toEqual({ secrets: 2, oldestMs: 5_000 })
  await clock.pass(5_001)
  await reader.read({ ...A, path: 'b' }, signal)
  expect(reader.holds()).toEqual({ secrets: 1, oldestMs: 0 })
})

test('says at once what is kept, and nothing of what it would have to ask for', async () => {
  const { clock, reader, reads } = await setUp({ ttlMs: 1_000 })
  expect(reader.kept(A)).toBeUndefined()
  await reader.read(A, signal)
  expect(reader.kept(A)?.fields.get('value')?.reveal()).toBe('a-of-one')
  for (const other of [
    { ...A, fresh: true },
    { ...A, version: 1 },
    { ...A, path: 'a#' },
    { mount: 'secret:a', path: '' },
  ])
    expect(reader.kept(other)).toBeUndefined()
  await clock.pass(1_000)
  expect([reader.kept(A), reads()]).toEqual([undefined, 1])
})
