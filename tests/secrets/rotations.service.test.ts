import { setTimeout as sleep } from 'node:timers/promises'
import { openDatabase } from '@usdcop/connections/database'
import { openOnlineStore } from '@usdcop/connections/online-store'
import { openVaultOf, type Vault } from '@usdcop/connections/vault'
import type { Database } from '@usdcop/database/database'
import { parseEnv } from '@usdcop/service/config'
import { createLifecycle } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { serviceVaultSchema } from '@usdcop/vault/vault-config'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { prepareVault, type Service } from '../../services/secrets-broker/test/prepared-vault.ts'
import { type Bao, startDevelopmentBao } from '../support/openbao.ts'
import { until } from '../support/until.ts'
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts'
import { type Lender, lendUsers, must, startLender, startRotatedRedis } from './support/stores.ts'

const ROTATIONS = 100
const signal = AbortSignal.timeout(300_000)

let bao: Bao
let broker: BrokerProcess
let lender: Lender
beforeAll(async () => {
  bao = await startDevelopmentBao()
  await prepareVault(bao)
  lender = await startLender()
  broker = await startBrokerProcess(bao)
}, 60_000)
afterAll(async () => {
  await broker[Symbol.asyncDispose]()
  await lender[Symbol.asyncDispose]()
  await bao[Symbol.asyncDispose]()
})

/** A service as far as its credentials go. What it logs is kept. */
async function openService(name: Service, env: NodeJS.ProcessEnv = {}) {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger({ name, level: 'info', destination })
  const life = createLifecycle(logger)
  onTestFinished(() => life.close())
  const settings = parseEnv(serviceVaultSchema, { ...broker.envOf(name), ...env })
  const registry = createRegistry(name)
  const parts = { name, life, logger, registry }
  const taken = { ...settings, databaseRole: 'given' }
  const vault = (await openVaultOf(taken, parts)) as Vault
  const parsed = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const troubles = () => parsed().filter(({ level }) => Number(level) > 30)
  return { vault, life, logger, registry, parsed, troubles }
}

const SESSION = 'select session_user::text as name'

test(`${ROTATIONS} database users of Vault under load, over tokens that end meanwhile: nothing fails`, async () => {
  // Neither a user's lease nor a token is renewed when it is so short: both are replaced.
  await lendUsers(bao, lender.url, { default_ttl: '10s', max_ttl: '10s' })
  const short = { token_ttl: '14s', token_max_ttl: '14s' }
  for (const role of ['materializer', 'inference-gateway'])
    await must(bao, 'POST', `auth/approle/role/${role}`, short)
  const roles = ['materializer', 'inference-gateway'] as const
  const names = [roles, roles, roles, roles].flat()
  const services = await Promise.all(
    names.map(async (name) => {
      const { vault, life, logger, ...rest } = await openService(name)
      const settings = { databaseUrl: lender.url.href, databaseRole: name, dataDirectory: '' }
      const database = await openDatabase(settings, { vault, life, logger })
      return { ...rest, life, database }
    }),
  )
  const [first] = services
  await first?.database.query('create table kept (id serial primary key)', [], signal)

  const counts = { queries: 0, transactions: 0, notified: 0 }
  const seen = new Set<string>()
  let ended = false
  const load = async (database: Database) => {
    const repeat = async (work: () => Promise<void>) => {
      while (!ended) await work()
    }
    const heard = new Set<string>()
    await database.listen('news', (payload) => heard.add(payload), signal)
    await Promise.all([
      repeat(async () => {
        const [session] = await database.query<{ name: string }>(SESSION, [], signal)
        seen.add(session?.name ?? '')
        counts.queries += 1
        await sleep(5)
      }),
      repeat(async () => {
        await database.transaction(async (tx) => {
          await tx.query('insert into kept default values', [], signal)
          await sleep(20)
          await tx.query('insert into kept default values', [], signal)
        }, signal)
        counts.transactions += 1
      }),
      repeat(async () => {
        const payload = `${Math.random()}`
        await database.query('select pg_notify($1, $2)', ['news', payload], signal)
        await expect.poll(() => heard.has(payload), { timeout: 5_000, interval: 5 }).toBe(true)
        counts.notified += 1
        await sleep(20)
      }),
    ])
  }
  const loads = services.map(({ database }) => load(database))
  const failing = Promise.all(loads).then(
    () => undefined,
    (error: unknown) => error,
  )
  const enough = until(async () => seen.size > ROTATIONS, 'so many users', 200_000)
  const failed = await Promise.race([failing, enough])
  ended = true
  for (const { troubles } of services) expect(troubles()).toEqual([])
  expect(failed).toBeUndefined()
  await Promise.all(loads)
  const [total] = (await first?.database.query('select count(*) as n from kept', [], signal)) ?? []
  expect(total).toEqual({ n: 2 * counts.transactions })
  const logins = services.flatMap(({ parsed }) =>
    parsed().filter(({ kind, state }) => kind === 'token' && state === 'obtained'),
  ).length
  process.stdout.write(
    `${seen.size} users, ${logins} logins through the broker: ${JSON.stringify(counts)}, 0 failed\n`,
  )
  // What is given back at the end is gone at once: users, and the tokens that they were lent under.
  await Promise.all(services.map(({ life }) => life.close()))
  await expect.poll(() => lender.users()).toEqual([])
}, 240_000)

test(`${ROTATIONS} passwords of Redis in KV under load: no read and no write fails`, async () => {
  await using redis = await startRotatedRedis(bao)
  const { vault, life, logger, troubles, parsed } = await openService('feature-server', {
    VAULT_CACHE_TTL: '1',
  })
  const settings = { redisUrl: redis.url, redisSecret: 'trading/redis', dataDirectory: '' }
  const store = await openOnlineStore(settings, { project: 'rotated', vault, life, logger })
  const answers = () =>
    expect
      .poll(() =>
        store.ping(signal).then(
          () => 'up',
          () => 'away',
        ),
      )
      .toBe('up')
  await answers()
  const key = Buffer.from('entity')
  const counts = { reads: 0, writes: 0 }
  let ended = false
  const repeat = async (work: () => Promise<void>) => {
    while (!ended) await work()
  }
  const load = [
    ...[1, 2].map(() =>
      repeat(async () => {
        await store.read([{ view: 'v', features: ['f'], keys: [key] }], signal)
        counts.reads += 1
        await sleep(1)
      }),
    ),
    repeat(async () => {
      counts.writes += 1
      const values = new Map([['f', { type: 'DOUBLE', value: 1 } as const]])
      const row = { entityKey: key, eventTimestamp: counts.writes, values }
      await store.write('v', [row], signal)
      await sleep(5)
    }),
  ]
  const removals: Promise<void>[] = []
  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    removals.push(redis.rotate(1_500))
    await sleep(200)
  }
  await Promise.all(removals)
  ended = true
  await Promise.all(load)
  expect(troubles()).toEqual([])
  // A connection that is made only now signs in with the newest, at the first attempt.
  await redis.cut()
  await answers()
  expect(JSON.stringify(parsed())).not.toContain('WRONGPASS')
  process.stdout.write(`${ROTATIONS} passwords: ${JSON.stringify(counts)}, 0 failed\n`)
}, 120_000)
