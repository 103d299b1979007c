import { setTimeout as sleep } from 'node:timers/promises'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { parseEnv } from '@usdcop/service/config'
import { createLifecycle } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { type Bao, startDevelopmentBao } from '@usdcop/tests/support/openbao'
import { type RedisNode, startRedisNode } from '@usdcop/tests/support/redis-node'
import { serviceVaultSchema } from '@usdcop/vault/vault-config'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { openOnlineStore } from '../src/online-store.ts'
import { openVaultOf } from '../src/vault.ts'

const SECRET = 'secret/data/trading/redis'
/** Its own attempts are half a second apart. */
const LET_IN_WITHIN_MS = 1_000
const REFUSED_FOR_MS = 4_000
const signal = AbortSignal.timeout(60_000)

let bao: Bao
let node: RedisNode
beforeAll(async () => {
  bao = await startDevelopmentBao()
})
afterAll(() => bao[Symbol.asyncDispose]())
beforeEach(async () => {
  node = await startRedisNode()
})
afterEach(() => node[Symbol.asyncDispose]())

const keep = (password: string) => bao.ask('POST', SECRET, { data: { user: 'usdcop', password } })

async function letIn(password: string): Promise<void> {
  const admin = new Redis(node.url)
  await admin.acl('SETUSER', 'usdcop', 'reset', 'on', `>${password}`, '~*', '+@all', '-@admin')
  admin.disconnect()
}

/** As a service opens it. It would hear of another password by itself only in five minutes. */
async function openStore() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ name: 'a-service', level: 'info', destination })
  const life = createLifecycle(logger)
  onTestFinished(() => life.close())
  const env = { VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken, VAULT_CACHE_TTL: '300' }
  const taken = { ...parseEnv(serviceVaultSchema, env), redisSecret: 'trading/redis' }
  const parts = { name: 'a-service', life, logger, registry: createRegistry('a-service') }
  const vault = await openVaultOf(taken, parts)
  const settings = { redisUrl: node.url, redisSecret: 'trading/redis', dataDirectory: '' }
  const store = await openOnlineStore(settings, { project: 'p', vault, life, logger })
  return { store, text: () => lines.join('') }
}

const stateOf = (store: OnlineStore) =>
  store.ping(signal).then(
    () => 'up',
    () => 'away',
  )
const answers = (store: OnlineStore) =>
  expect.poll(() => stateOf(store), { timeout: 20_000, interval: 20 }).toBe('up')

async function msUntilUp(store: OnlineStore): Promise<number> {
  const since = performance.now()
  await answers(store)
  return performance.now() - since
}

async function readsOfSecret(): Promise<number> {
  const entries = await bao.auditLog()
  return entries.filter(
    ({ type, request: { path, operation } }) =>
      type === 'response' && path === SECRET && operation === 'read',
  ).length
}

test('a Redis that has forgotten the password: let in as soon as it knows it again, and Vault asked once a second at most', async () => {
  await keep('known')
  await letIn('known')
  const { store, text } = await openStore()
  await answers(store)
  await node.kill()
  await node.up()
  const before = await readsOfSecret()
  await sleep(REFUSED_FOR_MS)
  expect(await stateOf(store)).toBe('away')
  expect(text()).toContain('WRONGPASS')
  const reads = (await readsOfSecret()) - before
  expect(reads).toBeGreaterThan(1)
  expect(reads).toBeLessThanOrEqual(REFUSED_FOR_MS / 1_000 + 1)
  await letIn('known')
  expect(await msUntilUp(store)).toBeLessThan(LET_IN_WITHIN_MS)
  expect(text()).not.toMatch(/"known"/)
}, 30_000)

test('one that knows another password by then: the refused service has read it anew, and is let in as soon', async () => {
  await keep('first')
  await letIn('first')
  const { store, text } = await openStore()
  await answers(store)
  await node.kill()
  await node.up()
  await sleep(REFUSED_FOR_MS)
  await keep('second')
  await expect.poll(text, { timeout: 3_000 }).toContain('new connections use another password')
  await letIn('second')
  expect(await msUntilUp(store)).toBeLessThan(LET_IN_WITHIN_MS)
}, 30_000)
