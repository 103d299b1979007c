import { setTimeout as sleep } from 'node:timers/promises'
import { digestOf } from '@usdcop/service/auth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  prepareVault,
  SERVICES,
  type Service,
} from '../../services/secrets-broker/test/prepared-vault.ts'
import { startProductionBao } from '../support/openbao.ts'
import { endOf } from '../support/services.ts'
import { until } from '../support/until.ts'
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts'
import { type Folder, keepAsking, openFolder, type ServiceProcess } from './support/services.ts'
import {
  type Lender,
  lendUsers,
  must,
  type RotatedRedis,
  startLender,
  startRotatedRedis,
} from './support/stores.ts'

// The three services as they are started, over a sealable Vault, a broker, PostgreSQL and Redis. The tests go on from
// one another: what one leaves running the next one asks.

const TTL_SECONDS = 2
const TOKEN = 'hunter2-of-the-writer'
const OTHER = 'hunter2-of-another'
const keyOf = (token: string) => `key-${token.length}:writer:${digestOf(token)}`

let bao: Awaited<ReturnType<typeof startProductionBao>>
let broker: BrokerProcess
let lender: Lender
let redis: RotatedRedis
let folder: Folder
const services = new Map<Service, ServiceProcess>()

beforeAll(async () => {
  bao = await startProductionBao()
  await prepareVault(bao)
  lender = await startLender()
  redis = await startRotatedRedis(bao)
  broker = await startBrokerProcess(bao)
  folder = await openFolder()
  await live({ token: '24s', user: '18s' })
  for (const name of SERVICES) await writeKeys(name, [TOKEN, OTHER])
  for (const name of SERVICES) services.set(name, await folder.start(name, envOf(name)).listening)
}, 120_000)
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await broker[Symbol.asyncDispose]()
  await redis[Symbol.asyncDispose]()
  await lender[Symbol.asyncDispose]()
  await bao[Symbol.asyncDispose]()
})

/** How long what Vault lends from now on lives, at most. */
async function live({ token, user }: { readonly token: string; readonly user: string }) {
  for (const role of SERVICES)
    await must(bao, 'POST', `auth/approle/role/${role}`, { token_ttl: token, token_max_ttl: token })
  await lendUsers(bao, lender.url, { default_ttl: user, max_ttl: user })
}

async function writeKeys(name: Service, tokens: readonly string[]): Promise<void> {
  const data = { api_keys: tokens.map(keyOf).join(','), feature_server_key: TOKEN }
  await must(bao, 'POST', `secret/data/services/${name}`, { data })
}

function envOf(name: Service): NodeJS.ProcessEnv {
  const database = { DATABASE_URL: lender.url.href, DATABASE_ROLE: name }
  const store = { REDIS_URL: redis.url, REDIS_SECRET: 'trading/redis' }
  return {
    ...broker.envOf(name),
    VAULT_CACHE_TTL: String(TTL_SECONDS),
    API_KEYS_SECRET: `services/${name}`,
    ...(name !== 'inference-gateway' && store),
    ...(name !== 'feature-server' && database),
    ...(name === 'inference-gateway' && {
      FEATURE_SERVER_URL: urlOf('feature-server'),
      FEATURE_SERVER_KEY_SECRET: 'services/inference-gateway',
    }),
  }
}

const urlOf = (name: Service) => services.get(name)?.url ?? ''
const ask = () => {
  const urls = Object.fromEntries(SERVICES.map((name) => [name, urlOf(name)]))
  return keepAsking(urls as Record<Service, string>, TOKEN)
}
const logOf = (name: Service) => services.get(name)?.log() ?? []
const obtained = (name: Service, kind: 'token' | 'lease') =>
  logOf(name).filter((line) => line['kind'] === kind && line['state'] === 'obtained').length
async function readyz(name: Service) {
  const answer = await fetch(`${urlOf(name)}/readyz`)
  return { status: answer.status, body: (await answer.json()) as { readonly states?: object } }
}
/** A gauge of a service's metrics. */
async function gauge(name: Service, metric: string): Promise<number> {
  const text = await (await fetch(`${urlOf(name)}/metrics`)).text()
  return Number(new RegExp(`^${metric}\\{.*\\} (?<value>\\S+)$`, 'm').exec(text)?.groups?.['value'])
}

/** Tokens of the services. */
async function held() {
  const { body } = await bao.ask('LIST', 'auth/token/accessors')
  const told = (body.data.keys as string[]).map(async (accessor) => {
    const { body: answer } = await bao.ask('POST', 'auth/token/lookup-accessor', { accessor })
    return { accessor, policy: String(answer?.data?.policies?.[0]) }
  })
  const ours: ReadonlySet<string> = new Set(SERVICES.map((name) => `${name}-policy`))
  return (await Promise.all(told)).filter(({ policy }) => ours.has(policy))
}

test('says which state its identity is in', async () => {
  for (const name of SERVICES)
    expect(await readyz(name)).toMatchObject({
      status: 200,
      body: { ready: true, states: { identity: 'held', secrets: 'current' } },
    })
})

test('tokens and users end for good, passwords change and the broker is killed: all log in again by themselves, every request is answered', async () => {
  const traffic = ask()
  const rotating = (async () => {
    for (let rotation = 0; rotation < 5; rotation += 1) await redis.rotate(TTL_SECONDS * 2_000)
  })()
  await sleep(3_000)
  await broker.down()
  await sleep(4_000)
  await broker.up()
  const everyOne = async () =>
    SERVICES.every((name) => obtained(name, 'token') >= 4) &&
    obtained('materializer', 'lease') >= 5 &&
    obtained('inference-gateway', 'lease') >= 5
  await until(everyOne, 'logins', 150_000)
  await rotating
  const failures = await traffic.stop()
  expect(failures).toEqual([])
  const logins = SERVICES.map((name) => obtained(name, 'token'))
  const leases = SERVICES.map((name) => obtained(name, 'lease'))
  for (const name of SERVICES)
    expect(logOf(name).filter(({ level }) => Number(level) >= 50)).toEqual([])
  process.stdout.write(
    `${traffic.answered()} requests, logins ${logins.join('/')}, users ${leases.join('/')}, 5 passwords: 0 failed\n`,
  )
}, 240_000)

test('a key that is taken out of KV is refused within its time', async () => {
  const knock = async () => {
    const headers = { authorization: `Bearer ${OTHER}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ bars: [] })
    const to = `${urlOf('materializer')}/v1/bars`
    return (await fetch(to, { method: 'POST', headers, body })).status
  }
  expect(await knock()).toBe(200)
  await writeKeys('materializer', [TOKEN])
  const takenAt = performance.now()
  await expect.poll(knock, { timeout: 10_000, interval: 20 }).toBe(401)
  // Its own interval, and a second for this machine.
  expect(performance.now() - takenAt).toBeLessThan((TTL_SECONDS + 1) * 1_000)

  // What cannot be read changes nothing, and is counted.
  const data = { api_keys: 'marker', feature_server_key: TOKEN }
  await must(bao, 'POST', 'secret/data/services/materializer', { data })
  const counted = () => gauge('materializer', 'usdcop_api_keys_unreadable_total')
  await expect.poll(counted, { timeout: 10_000 }).toBe(1)
  expect(await gauge('materializer', 'usdcop_api_keys')).toBe(1)
  expect(JSON.stringify(logOf('materializer'))).not.toContain('marker')
  await writeKeys('materializer', [TOKEN])
})

test('an operator revokes all that they hold: they are whole again by themselves', async () => {
  // What is lent before is prolonged by what it was lent for, whatever the role says since.
  await live({ token: '1h', user: '1h' })
  for (const { accessor } of await held())
    await must(bao, 'POST', 'auth/token/revoke-accessor', { accessor })
  const whole = async () => {
    const tokens = SERVICES.map((name) => gauge(name, 'usdcop_secrets_token_seconds_left'))
    const users = (['materializer', 'inference-gateway'] as const).map((name) =>
      gauge(name, 'usdcop_secrets_lease_seconds_left'),
    )
    const ready = await Promise.all(SERVICES.map(readyz))
    const left = await Promise.all([...tokens, ...users])
    return left.every((seconds) => seconds > 60) && ready.every(({ status }) => status === 200)
  }
  await expect.poll(whole, { timeout: 60_000, interval: 500 }).toBe(true)
}, 90_000)

test('Vault is sealed, and killed: every request is answered, and all is current when it is back', async () => {
  const traffic = ask()
  for (const how of ['sealed', 'killed'] as const) {
    if (how === 'sealed') await must(bao, 'POST', 'sys/seal')
    else await bao.down()
    const secretsOf = async (name: Service) => (await readyz(name)).body.states
    for (const name of SERVICES)
      await expect
        .poll(() => secretsOf(name), { timeout: 20_000 })
        .toMatchObject({ identity: 'held', secrets: 'stale' })
    await sleep(5_000)
    if (how === 'killed') await bao.up()
    await bao.unseal()
    for (const name of SERVICES)
      await expect
        .poll(() => secretsOf(name), { timeout: 20_000 })
        .toMatchObject({ identity: 'held', secrets: 'current' })
  }
  expect(await traffic.stop()).toEqual([])
  process.stdout.write(`${traffic.answered()} requests while Vault was away twice: 0 failed\n`)
}, 180_000)

test('one that is started while the broker is away waits, and says so', async () => {
  await broker.down()
  const second = folder.start('feature-server', envOf('feature-server'))
  let up = false
  void second.listening.then(() => (up = true))
  await until(
    async () => second.lines.some((line) => line.includes('broker_unavailable')),
    'a word',
  )
  await sleep(2_000)
  expect(up).toBe(false)
  expect(second.lines.join('\n')).toContain('no credentials yet; trying again')
  await broker.up()
  const { url } = await second.listening
  const status = async () => (await fetch(`${url}/readyz`)).status
  await expect.poll(status, { timeout: 10_000 }).toBe(200)
  expect(await endOf(second.child)).toBe(0)
}, 60_000)

test('at the end nothing is left of what Vault has lent', async () => {
  const ours = SERVICES.map((name) => `${name}-policy`)
  expect(new Set((await held()).map(({ policy }) => policy))).toEqual(new Set(ours))
  expect(await lender.users()).toHaveLength(2)
  for (const { child } of services.values()) expect(await endOf(child)).toBe(0)
  expect(await held()).toEqual([])
  expect(await lender.users()).toEqual([])
})
