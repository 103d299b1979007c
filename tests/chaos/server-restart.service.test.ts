import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type OwnPostgres, startOwnPostgres } from '../support/postgres.ts'
import { type OwnRedis, startOwnRedis } from '../support/redis.ts'
import { type RunningServices, startServices } from '../support/services.ts'

const root = new URL('../../', import.meta.url)

let postgres: OwnPostgres
let redis: OwnRedis
beforeAll(async () => {
  postgres = await startOwnPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())
// Each test has a database of its own, and in Redis the rows of another test would be newer.
beforeEach(async () => {
  redis = await startOwnRedis()
})
afterEach(() => redis[Symbol.asyncDispose]())

/** The market all but stands at 14:02 of a session: its bars of 13:50 and 13:55 are fresh. */
const CLOCK = {
  CLOCK_WALL_START: new Date().toISOString(),
  CLOCK_MARKET_START: '2025-06-27T14:02:00Z',
  CLOCK_SPEED: '0.01',
}
const HISTORY_ENDS = '2025-06-27 13:50'
const FIRST = '2025-06-27T13:50:00.000Z'
const SECOND = '2025-06-27T13:55:00.000Z'

/** The services over an empty database, with a history that makes every feature whole. */
async function startFed(): Promise<RunningServices> {
  const databaseUrl = await postgres.createDatabase()
  const services = await startServices({ databaseUrl, redisUrl: redis.url }, CLOCK)
  const bars = join(services.folder, 'bars.csv')
  await writeFile(bars, await linesBefore(HISTORY_ENDS))
  const command = ['packages/cli/src/main.ts', 'feed', '--once', '--bars', bars]
  const options = ['--to', services.materializer.url, '--key-file', services.tokenFile]
  const feed = spawn(process.execPath, [...command, ...options, '--history-sessions', '5'], {
    cwd: fileURLToPath(root),
    env: { PATH: process.env['PATH'], ...CLOCK },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  expect(await once(feed, 'exit')).toEqual([0, null])
  return services
}

/** The demo bars of June 2025 up to an instant. */
async function linesBefore(end: string): Promise<string> {
  const file = createReadStream(new URL('data/usdcop-m5.csv.gz', root)).pipe(createGunzip())
  const kept: string[] = []
  for await (const line of createInterface({ input: file }))
    if (kept.length === 0 || (line >= '2025-06' && line < end)) kept.push(line)
  return `${kept.join('\n')}\n`
}

/** Sends a bar; the status of the answer and, when it was taken, of the row. */
async function send({ materializer, token }: RunningServices, time: string): Promise<unknown[]> {
  const prices = { open: 4_085, high: 4_086, low: 4_084, close: 4_085.5 }
  const reply = await fetch(`${materializer.url}/v1/bars`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ bars: [{ symbol: 'USD/COP', time, ...prices }] }),
  })
  const { rows } = (await reply.json()) as { rows?: { status: string }[] }
  return [reply.status, ...(rows ?? []).map(({ status }) => status)]
}

interface Decision {
  readonly barTime: number
  readonly outcome: string
  readonly reasons: readonly string[]
}

/** What the gateway decided on the newest bars. */
async function decided({ gateway }: RunningServices): Promise<string[]> {
  const reply = await fetch(`${gateway.url}/v1/decisions?symbol=USD/COP&limit=2`)
  if (!reply.ok) return [`answered ${reply.status}`]
  const { decisions } = (await reply.json()) as { decisions: Decision[] }
  return decisions.map(({ barTime, outcome, reasons }) =>
    [new Date(barTime).toISOString(), outcome, ...reasons].join(' '),
  )
}

const health = async (services: RunningServices, path: '/readyz' | '/livez'): Promise<number[]> =>
  Promise.all(
    [services.featureServer, services.materializer, services.gateway].map(
      async ({ url }) => (await fetch(`${url}${path}`)).status,
    ),
  )

const polling = { timeout: 60_000, interval: 100 }

test.for(['SIGINT', 'SIGQUIT'] as const)(
  'the database may be restarted (%s) under the services: they come back by themselves and no bar is lost',
  async (end) => {
    await using services = await startFed()
    expect(await send(services, FIRST)).toEqual([200, 'accepted'])
    await expect.poll(() => decided(services), polling).toContain(`${FIRST} action`)

    await postgres.down(end)
    expect(await send(services, SECOND)).toEqual([503])
    await expect.poll(() => health(services, '/readyz'), polling).toEqual([200, 503, 503])
    expect(await health(services, '/livez')).toEqual([200, 200, 200])

    await postgres.up()
    await expect.poll(() => health(services, '/readyz'), polling).toEqual([200, 200, 200])
    expect(await send(services, SECOND)).toEqual([200, 'accepted'])
    await expect
      .poll(() => decided(services), polling)
      .toEqual([`${SECOND} action`, `${FIRST} action`])
  },
)

test('Redis may be restarted, its rows forgotten: bars are taken meanwhile and decided on after', async () => {
  await using services = await startFed()
  expect(await send(services, FIRST)).toEqual([200, 'accepted'])
  await expect.poll(() => decided(services), polling).toContain(`${FIRST} action`)

  await redis.down()
  await expect.poll(() => health(services, '/readyz'), polling).toEqual([503, 503, 200])
  expect(await send(services, SECOND)).toEqual([200, 'accepted'])

  await redis.up()
  await expect.poll(() => health(services, '/readyz'), polling).toEqual([200, 200, 200])
  await expect
    .poll(() => decided(services), polling)
    .toEqual([`${SECOND} action`, `${FIRST} action`])
})

test('the services may start before their servers', async () => {
  const databaseUrl = await postgres.createDatabase()
  await postgres.down('SIGINT')
  await redis.down()
  const waiting = Promise.withResolvers<void>()
  const starting = startServices({ databaseUrl, redisUrl: redis.url }, CLOCK, (line) => {
    if (line.includes('the database is not up; trying again')) waiting.resolve()
  })
  await Promise.race([waiting.promise, starting])
  await postgres.up()
  await redis.up()
  await using services = await starting
  await expect.poll(() => health(services, '/readyz'), polling).toEqual([200, 200, 200])
})
