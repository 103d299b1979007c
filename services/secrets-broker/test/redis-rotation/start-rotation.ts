import { readFile } from 'node:fs/promises'
import { createIdentity } from '@usdcop/vault/identity'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { expect, onTestFinished } from 'vitest'
import type { Bao } from '../../../../tests/support/openbao.ts'
import { BROKER } from '../../src/callers.ts'
import { connectAcl } from '../../src/redis-rotation/acl.ts'
import { followReturns } from '../../src/redis-rotation/returns.ts'
import {
  createRedisRotation,
  type RedisRotationOptions,
  type RotationEvent,
} from '../../src/redis-rotation/rotation.ts'
import { brokerCredential } from '../prepared-vault.ts'
import type { RotatedRedis } from './rotated-redis.ts'

/** As the broker runs it, under its own policy, once it has looked. */
export async function startRotation({
  bao,
  redis,
  ...more
}: { readonly bao: Bao; readonly redis: RotatedRedis } & Partial<RedisRotationOptions>) {
  const ca = bao.caFile === undefined ? undefined : await readFile(bao.caFile, 'utf8')
  const server = createVaultServer({ address: bao.address, tls: { ca }, timeoutMs: 2_000 })
  const credential = await brokerCredential(bao)
  const identity = createIdentity(server, { name: BROKER, source: async () => credential })
  const events: RotationEvent[] = []
  const { host, port } = redis.node
  const address = { host, port, tls: false, user: 'rotor' }
  const rotation = createRedisRotation({
    identity,
    withAcl: connectAcl(address),
    followReturns: followReturns(address, server.clock),
    mount: 'secret',
    path: 'trading/redis',
    own: { path: `services/${BROKER}`, field: 'redis_rotor_password' },
    periodMs: 0,
    graceMs: 1_000,
    clock: server.clock,
    random: Math.random,
    now: () => Date.now(),
    tell: (event) => void events.push(event),
    ...more,
  })
  let ended: Promise<void> | undefined
  const end = async () => {
    await rotation[Symbol.asyncDispose]()
    await identity[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }
  const endOnce = () => (ended ??= end())
  onTestFinished(endOnce)
  await expect
    .poll(() => events.some(({ outcome }) => outcome === 'ok'), { timeout: 20_000, interval: 50 })
    .toBe(true)
  return { rotation, events, server, end: endOnce }
}
