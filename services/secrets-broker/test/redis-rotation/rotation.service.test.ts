import type { ServiceError } from '@usdcop/service/errors'
import { createIdentity } from '@usdcop/vault/identity'
import { Secret } from '@usdcop/vault/secret'
import { createSecretReader } from '@usdcop/vault/secret-reader'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import {
  type Bao,
  startDevelopmentBao,
  startProductionBao,
} from '../../../../tests/support/openbao.ts'
import { connectAcl } from '../../src/redis-rotation/acl.ts'
import type { RedisRotationOptions } from '../../src/redis-rotation/rotation.ts'
import { prepareVault } from '../prepared-vault.ts'
import { hashOf, type RotatedRedis, startRotatedRedis } from './rotated-redis.ts'
import { startRotation } from './start-rotation.ts'

const slow = { timeout: 20_000, interval: 50 }

let bao: Bao
let redis: RotatedRedis
beforeAll(async () => {
  bao = await startDevelopmentBao()
  await prepareVault(bao)
})
afterAll(() => bao[Symbol.asyncDispose]())
beforeEach(async () => {
  redis = await startRotatedRedis(bao)
})
afterEach(() => redis[Symbol.asyncDispose]())

const runRotation = (more: Partial<RedisRotationOptions> = {}) =>
  startRotation({ bao, redis, ...more })

const faultOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: ServiceError) => error,
  )
const inUse = async () => hashOf((await redis.secret()).password)

test('a rotation: both passwords at first, the new one in Vault and on disk, the old one gone after the grace', async () => {
  const { rotation, events } = await runRotation()
  const before = await redis.secret()
  const answer = await rotation.rotate()
  const after = await redis.secret()
  expect(answer).toEqual({ version: before.version + 1, passwordsAccepted: 2 })
  expect(after.version).toBe(before.version + 1)
  expect(after.password).toMatch(/^[\w-]{43}$/)
  const both = [hashOf(before.password), hashOf(after.password)]
  expect((await redis.accepted()).toSorted()).toEqual(both.toSorted())
  expect((await redis.onDisk()).toSorted()).toEqual(both.toSorted())
  expect([await redis.signIn(before.password), await redis.signIn(after.password)]).toEqual([
    'PONG',
    'PONG',
  ])
  const { body } = await bao.ask('GET', 'secret/data/trading/redis')
  expect(body.data.data).toMatchObject({ user: 'usdcop', note: 'kept', host: '127.0.0.1' })

  await expect.poll(() => redis.accepted(), slow).toEqual([hashOf(after.password)])
  await expect.poll(() => redis.onDisk(), slow).toEqual([hashOf(after.password)])
  expect(await redis.signIn(before.password)).toContain('WRONGPASS')
  expect(rotation.passwordsAccepted()).toBe(1)
  expect(rotation.msSinceRotation()).toBeLessThan(20_000)
  expect(events.filter(({ kind }) => kind === 'rotation')).toEqual([
    { kind: 'rotation', asked: true, outcome: 'ok', version: after.version },
  ])
})

test('100 rotations under load: whoever reads the secret again before it connects sees no failure', async () => {
  const { rotation } = await runRotation()
  const server = createVaultServer({ address: bao.address })
  const identity = createIdentity(server, {
    name: 'reader',
    source: async () => ({ kind: 'token', token: new Secret(bao.rootToken) }),
  })
  const reader = createSecretReader({ identity, ttlMs: 200 })
  onTestFinished(async () => {
    await identity[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const ending = new AbortController()
  const failures: string[] = []
  const used = new Set<string>()
  let commands = 0
  /** Connects with the newest password that it knows, and works for a while over that connection. */
  async function work(name: string, writes: boolean): Promise<void> {
    while (!ending.signal.aborted) {
      const { fields } = await reader.read(
        { mount: 'secret', path: 'trading/redis' },
        AbortSignal.timeout(5_000),
      )
      const password = fields.get('password')?.reveal() ?? ''
      used.add(password)
      const client = new Redis({
        host: redis.node.host,
        port: redis.node.port,
        username: 'usdcop',
        password,
        retryStrategy: () => null,
      })
      client.on('error', (error) => void failures.push(`${name}: ${error.message}`))
      for (let count = 0; count < 50; count += 1) {
        const done = writes ? client.set(name, count) : client.get(name.replace('reader', 'writer'))
        await done.catch((error: Error) => void failures.push(`${name}: ${error.message}`))
        commands += 1
      }
      client.disconnect()
    }
  }
  const workers = [1, 2, 3, 4].flatMap((one) => [
    work(`writer-${one}`, true),
    work(`reader-${one}`, false),
  ])
  const first = (await redis.secret()).version
  for (let count = 0; count < 100; count += 1) await rotation.rotate()
  expect((await redis.secret()).version).toBe(first + 100)
  await expect.poll(() => redis.accepted(), slow).toEqual([await inUse()])
  ending.abort()
  await Promise.all(workers)
  expect(failures).toEqual([])
  expect(commands).toBeGreaterThan(1_000)
  expect(used.size).toBeGreaterThan(3)
}, 60_000)

test('many who ask at once are told of one rotation', async () => {
  const { rotation } = await runRotation()
  const before = (await redis.secret()).version
  const answers = await Promise.all(Array.from({ length: 20 }, () => rotation.rotate()))
  expect(new Set(answers.map(({ version }) => version))).toEqual(new Set([before + 1]))
  expect((await redis.secret()).version).toBe(before + 1)
})

test('is due by the age of the secret, which a restart does not make younger', async () => {
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const before = (await redis.secret()).version
  const { events } = await runRotation({ periodMs: 2_000 })
  await expect.poll(async () => (await redis.secret()).version, slow).toBe(before + 1)
  expect(events.find(({ kind }) => kind === 'rotation')).toMatchObject({ asked: false })
})

test('a password that somebody writes by hand during a rotation is the one in use, and the made one goes', async () => {
  const byHand = 'written-by-hand'
  const { host, port } = redis.node
  const connect = connectAcl({ host, port, tls: false, user: 'rotor' })
  let saves = 0
  const { rotation, events } = await runRotation({
    withAcl: (password, work) =>
      connect(password, (acl) =>
        work({
          ...acl,
          async save() {
            await acl.save()
            saves += 1
            // Between Redis and Vault.
            if (saves === 2) await redis.writeByHand(byHand)
          },
        }),
      ),
  })
  const before = await redis.secret()
  expect(await faultOf(rotation.rotate())).toMatchObject({ code: 'conflict', status: 409 })
  expect((await redis.secret()).password).toBe(byHand)
  expect(await redis.signIn(byHand)).toBe('PONG')
  expect((await redis.accepted()).toSorted()).toEqual(
    [hashOf(before.password), hashOf(byHand)].toSorted(),
  )
  expect(events.filter(({ kind }) => kind === 'rotation')).toEqual([
    { kind: 'rotation', asked: true, outcome: 'conflict' },
  ])
  await expect.poll(() => redis.accepted(), slow).toEqual([hashOf(byHand)])
  await expect.poll(() => redis.onDisk(), slow).toEqual([hashOf(byHand)])
})

test('a password written by hand while nothing rotates is accepted at the next look', async () => {
  const { end } = await runRotation()
  await end()
  await redis.writeByHand('another')
  expect(await redis.signIn('another')).toContain('WRONGPASS')
  const { events } = await runRotation()
  expect(await redis.signIn('another')).toBe('PONG')
  expect(events[0]).toEqual({ kind: 'reconciliation', outcome: 'ok', changed: true })
})

test('Redis started again keeps what was rotated; with an older file it is mended at the next start', async () => {
  const { rotation, end } = await runRotation()
  const file = await redis.file.read()
  await rotation.rotate()
  const { password } = await redis.secret()
  await redis.node.kill()
  await redis.node.up()
  expect(await redis.signIn(password)).toBe('PONG')

  await end()
  await redis.node.kill()
  await redis.file.write(file)
  await redis.node.up()
  expect(await redis.signIn(password)).toContain('WRONGPASS')
  await runRotation()
  expect(await redis.signIn(password)).toBe('PONG')
  expect(await redis.onDisk()).toContain(hashOf(password))
})

test('Redis away during a rotation: nothing is written to Vault, and it is said so without a value', async () => {
  const { rotation } = await runRotation()
  const before = await redis.secret()
  await redis.node.kill()
  const fault = await faultOf(rotation.rotate())
  expect(fault).toMatchObject({ code: 'store_unavailable' })
  expect(fault?.message).toBe('Redis does not answer (ECONNREFUSED)')
  expect(fault?.cause).toBeUndefined()
  expect(await redis.secret()).toEqual(before)
  await redis.node.up()
  expect(await rotation.rotate()).toMatchObject({ version: before.version + 1 })
})

test('a user that may not change users, or a wrong password of his: told apart, without a value', async () => {
  const { host, port } = redis.node
  const as = (user: string, password: string) =>
    faultOf(
      connectAcl({ host, port, tls: false, user })(new Secret(password), (acl) =>
        acl.accepted('usdcop'),
      ),
    )
  const wrong = await as('rotor', 'marker-wrong')
  expect(wrong?.message).toBe('Redis refuses the user that rotates')
  const powerless = await as('usdcop', 'marker-first-password')
  expect(powerless?.message).toBe('Redis lets the user that rotates change no users')
  const absent = connectAcl({ host, port, tls: false, user: 'operator' })
  expect(
    await faultOf(absent(new Secret('operator'), (acl) => acl.accepted('nobody'))),
  ).toMatchObject({ code: 'not_found' })
})

test('Vault sealed during a rotation: the old password goes on, and once it is back a rotation is as any other', async () => {
  await using vault = await startProductionBao()
  await prepareVault(vault)
  await using rotated = await startRotatedRedis(vault)
  const { host, port } = rotated.node
  const connect = connectAcl({ host, port, tls: false, user: 'rotor' })
  let away = false
  const { rotation } = await startRotation({
    bao: vault,
    redis: rotated,
    withAcl: (password, work) =>
      connect(password, (acl) =>
        work({
          ...acl,
          async save() {
            await acl.save()
            if (away) await vault.ask('PUT', 'sys/seal')
          },
        }),
      ),
  })
  const before = await rotated.secret()
  away = true
  const fault = await faultOf(rotation.rotate())
  away = false
  expect(['vault_sealed', 'vault_unavailable']).toContain(fault?.code)
  expect(await rotated.signIn(before.password)).toBe('PONG')
  expect(await rotated.accepted()).toHaveLength(2)

  await vault.unseal()
  expect((await rotated.secret()).version).toBe(before.version)
  await expect
    .poll(() => rotation.rotate().catch((error: ServiceError) => error.code), slow)
    .toMatchObject({ version: before.version + 1 })
  const after = await rotated.secret()
  expect(await rotated.signIn(after.password)).toBe('PONG')
  await expect.poll(() => rotated.accepted(), slow).toEqual([hashOf(after.password)])
}, 120_000)
