import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceError } from '@usdcop/service/errors'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Bao, startDevelopmentBao } from '../../../../tests/support/openbao.ts'
import { type Acl, connectAcl, type WithAcl } from '../../src/redis-rotation/acl.ts'
import { prepareVault } from '../prepared-vault.ts'
import { hashOf, type RotatedRedis, startRotatedRedis } from './rotated-redis.ts'
import { startRotation } from './start-rotation.ts'

/** Far below the half minute that the timer takes. */
const RECOVERED_WITHIN_MS = 2_000
const slow = { timeout: 20_000, interval: 20 }

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

/** Killed, and started with another file. */
async function restartWith(file: string): Promise<void> {
  await redis.node.kill()
  await redis.file.write(file)
  await redis.node.up()
}

/** From now until Vault’s password is let in. */
async function msUntilLetIn(): Promise<number> {
  const since = performance.now()
  const { password } = await redis.secret()
  await expect.poll(() => redis.signIn(password), slow).toBe('PONG')
  return performance.now() - since
}

test('a Redis that comes back with an older file lets the password in use in within two seconds', async () => {
  const { rotation } = await startRotation({ bao, redis })
  const older = await redis.file.read()
  const recoveries: number[] = []
  for (let round = 0; round < 5; round += 1) {
    const { version } = await rotation.rotate()
    await expect.poll(() => rotation.passwordsAccepted(), slow).toBe(1)
    await restartWith(older)
    recoveries.push(await msUntilLetIn())
    const secret = await redis.secret()
    expect(secret.version).toBe(version)
    // What the older file had goes after its grace, as any other.
    await expect.poll(() => redis.onDisk(), slow).toEqual([hashOf(secret.password)])
  }
  expect(Math.max(...recoveries)).toBeLessThan(RECOVERED_WITHIN_MS)
  process.stdout.write(`let in after ${recoveries.map((ms) => Math.round(ms)).join(', ')} ms\n`)
}, 60_000)

test('one that was away so long that the broker tries it seldom is heard of at once all the same', async () => {
  const { rotation, events } = await startRotation({ bao, redis })
  const older = await redis.file.read()
  await rotation.rotate()
  await redis.node.kill()
  await redis.file.write(older)
  const failed = () => events.filter(({ outcome }) => outcome === 'store_unavailable').length
  // The next attempt of its own comes after two seconds at least.
  await expect.poll(failed, slow).toBeGreaterThanOrEqual(3)
  await redis.node.up()
  expect(await msUntilLetIn()).toBeLessThan(RECOVERED_WITHIN_MS)
})

/** Acts once, at a step of the next work. */
function interrupted(step: 'before' | 'after') {
  const { host, port } = redis.node
  const connect = connectAcl({ host, port, tls: false, user: 'rotor' })
  const trap: { sprung?: () => Promise<void> } = {}
  const act = async () => {
    const { sprung } = trap
    delete trap.sprung
    await sprung?.()
  }
  const caught = (acl: Acl): Acl => ({
    ...acl,
    async save() {
      if (step === 'before') await act()
      await acl.save()
      if (step === 'after') await act()
    },
  })
  const withAcl: WithAcl = (password, work) => connect(password, (acl) => work(caught(acl)))
  return { withAcl, trap }
}

test('killed behind its save, with an older file: the rotation is done, and the new password let in', async () => {
  const { withAcl, trap } = interrupted('after')
  const { rotation } = await startRotation({ bao, redis, withAcl })
  const before = await redis.secret()
  const older = await redis.file.read()
  trap.sprung = () => restartWith(older)
  expect(await rotation.rotate()).toMatchObject({ version: before.version + 1 })
  expect(await msUntilLetIn()).toBeLessThan(RECOVERED_WITHIN_MS)
  expect(await redis.secret()).toMatchObject({ version: before.version + 1 })
  expect(await redis.signIn(before.password)).toBe('PONG')
})

test('killed before its save: nothing is rotated, the old password goes on, and the next rotation is as any other', async () => {
  const { withAcl, trap } = interrupted('before')
  const { rotation } = await startRotation({ bao, redis, withAcl })
  const before = await redis.secret()
  const older = await redis.file.read()
  trap.sprung = () => restartWith(older)
  const fault = await rotation.rotate().catch((error: ServiceError) => error)
  expect(fault).toMatchObject({ code: 'store_unavailable' })
  expect(await redis.secret()).toEqual(before)
  expect(await redis.signIn(before.password)).toBe('PONG')
  expect(await rotation.rotate()).toMatchObject({ version: before.version + 1 })
  expect(await msUntilLetIn()).toBeLessThan(RECOVERED_WITHIN_MS)
})

test('a Redis that comes and goes is looked at twice a second at most, and let alone once it stays', async () => {
  const { rotation, events } = await startRotation({ bao, redis })
  const older = await redis.file.read()
  await rotation.rotate()
  const since = performance.now()
  const looksBefore = events.length
  for (let round = 0; round < 12; round += 1) {
    await restartWith(older)
    await sleep(100)
  }
  expect(await msUntilLetIn()).toBeLessThan(RECOVERED_WITHIN_MS)
  const seconds = (performance.now() - since) / 1_000
  expect(events.length - looksBefore).toBeLessThanOrEqual(2 * seconds + 2)
  // The grace of what the older file had ends once more; then there is nothing to do until the timer.
  await expect.poll(() => redis.accepted(), slow).toEqual([hashOf((await redis.secret()).password)])
  const looks = events.length
  await sleep(3_000)
  expect(events.length).toBe(looks)
}, 60_000)
