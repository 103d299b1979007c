import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { digestOf } from '@usdcop/service/auth'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { prepareVault } from '../../services/secrets-broker/test/prepared-vault.ts'
import { type Bao, startDevelopmentBao } from '../support/openbao.ts'
import { endOf } from '../support/services.ts'
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts'
import { type Folder, openFolder } from './support/services.ts'
import { must } from './support/stores.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const patience = { timeout: 60_000, interval: 50 }

let bao: Bao
let broker: BrokerProcess
let folder: Folder
beforeAll(async () => {
  bao = await startDevelopmentBao()
  await prepareVault(bao)
  broker = await startBrokerProcess(bao)
  folder = await openFolder()
}, 60_000)
afterAll(async () => {
  await folder[Symbol.asyncDispose]()
  await broker[Symbol.asyncDispose]()
  await bao[Symbol.asyncDispose]()
})

const give = (key: string) =>
  must(bao, 'POST', 'secret/data/services/demo-feed', { data: { materializer_key: key } })
const letIn = (...keys: readonly string[]) => {
  const entries = keys.map((key, at) => `demo-feed-${at}:writer:${digestOf(key)}`)
  return must(bao, 'POST', 'secret/data/services/materializer', {
    data: { api_keys: entries.join(',') },
  })
}

/** The feed as its container runs it, from files and with an identity of its own. */
function startFeed(url: string, env: NodeJS.ProcessEnv) {
  const args = ['--to', url, '--key-secret', 'services/demo-feed', '--history-sessions', '1']
  const child = spawn(
    process.execPath,
    [join(ROOT, 'packages/cli/src/main.ts'), 'feed', '--json', ...args],
    {
      env: { PATH: process.env['PATH'], ...broker.envOf('demo-feed'), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  onTestFinished(async () => void (await endOf(child)))
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  const said = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  const messages = () => said().map(({ msg }) => msg)
  return { child, said, messages, text: () => lines.join('\n'), ended: once(child, 'exit') }
}

/** How many bars the feed's file has, by their labels. */
function barsFrom(first: string, last: string): number {
  const lines = gunzipSync(readFileSync(join(ROOT, 'data/usdcop-m5.csv.gz')))
    .toString()
    .split('\n')
  return lines.filter((line) => line.slice(0, 16) >= first && line.slice(0, 16) <= last).length
}

test('the feed takes its key from Vault, outlives changes of it on either side, and sends every bar', async () => {
  const keys = ['marker-key-one', 'marker-key-two', 'marker-key-three'] as const
  const clock = {
    CLOCK_WALL_START: new Date(Date.now() + 10_000).toISOString(),
    CLOCK_MARKET_START: '2025-06-26T13:00:00Z',
    // A bar each second and a half, and days of them.
    CLOCK_SPEED: '200',
  }
  await give(keys[0])
  await letIn(keys[0])
  const materializer = await folder.start('materializer', {
    ...broker.envOf('materializer'),
    API_KEYS_SECRET: 'services/materializer',
    VAULT_CACHE_TTL: '1',
    ...clock,
  }).listening
  // By itself it would hear of a change only when all is over.
  const feed = startFeed(materializer.url, { VAULT_CACHE_TTL: '300', ...clock })
  await expect.poll(feed.messages, patience).toContain('loaded what was due')
  const metric = async (name: string) => {
    const text = await (await fetch(`${materializer.url}/metrics`)).text()
    return Number(
      new RegExp(`^usdcop_materializer_${name}\\S* (?<n>\\S+)$`, 'm').exec(text)?.groups?.['n'],
    )
  }
  const accepted = () => metric('bars_accepted_total')
  const more = async () => {
    const before = await accepted()
    await expect.poll(accepted, patience).toBeGreaterThan(before + 1)
  }
  await more()
  const changed = () => feed.messages().filter((msg) => msg === 'another key is used from now on')

  // The materializer hears of it first, and refuses the one in use.
  await give(keys[1])
  await letIn(keys[1])
  await expect.poll(() => changed().length, patience).toBe(1)
  await more()

  // The feed hears of it first: refused meanwhile it tries again, and skips nothing.
  await letIn('marker-key-of-nobody')
  await give(keys[2])
  await expect.poll(() => changed().length, patience).toBe(2)
  await letIn(keys[2])
  await more()

  feed.child.kill('SIGTERM')
  expect(await feed.ended).toEqual([0, null])
  const last = new Date(1_000 * (await metric('newest_bar_timestamp_seconds'))).toISOString()
  expect(await accepted()).toBe(barsFrom('2025-06-25 13:00', last.slice(0, 16).replace('T', ' ')))
  expect(feed.text()).not.toContain('marker')
  // Its token goes with it.
  const { body } = await bao.ask('LIST', 'auth/token/accessors')
  const told = (body.data.keys as string[]).map(async (accessor) => {
    const answer = await bao.ask('POST', 'auth/token/lookup-accessor', { accessor })
    return answer.body?.data?.policies?.[0] as string | undefined
  })
  const policies = await Promise.all(told)
  expect(policies).toContain('materializer-policy')
  expect(policies).not.toContain('demo-feed-policy')
}, 240_000)

test('a broker that is away is waited for, and what is no key is refused by name', async () => {
  await give('two words')
  await broker.down()
  const feed = startFeed('http://127.0.0.1:9', {})
  await expect.poll(feed.messages, patience).toContain('no key yet; trying again')
  await broker.up()
  expect(await feed.ended).toEqual([1, null])
  expect(feed.messages()).toContain('a secret holds no key')
  expect(feed.text()).not.toContain('two words')
}, 60_000)
