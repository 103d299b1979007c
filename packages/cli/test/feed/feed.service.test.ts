import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type OwnPostgres, startOwnPostgres } from '@usdcop/tests/support/postgres'
import { type OwnRedis, startOwnRedis } from '@usdcop/tests/support/redis'
import { type RunningServices, startServices } from '@usdcop/tests/support/services'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { repositoryPath } from '../../src/paths.ts'

let postgres: OwnPostgres
let redis: OwnRedis
const running: ChildProcess[] = []
beforeEach(async () => {
  postgres = await startOwnPostgres()
  redis = await startOwnRedis()
})
afterEach(async () => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
  await redis[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

const start = async (clock: NodeJS.ProcessEnv): Promise<RunningServices> =>
  startServices({ databaseUrl: await postgres.createDatabase(), redisUrl: redis.url }, clock)

/** `usdcop feed --json` of the demo data, as a container runs it. */
function startFeed({ materializer, tokenFile }: RunningServices, clock: NodeJS.ProcessEnv) {
  const main = repositoryPath('packages/cli/src/main.ts')
  const child = spawn(process.execPath, [main, 'feed', '--json', '--history-sessions', '4'], {
    env: {
      PATH: process.env['PATH'],
      MATERIALIZER_URL: materializer.url,
      MATERIALIZER_KEY_FILE: tokenFile,
      ...clock,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(child)
  const said: { msg: string; counts?: { accepted: number } }[] = []
  createInterface(child.stdout).on('line', (line) =>
    said.push(JSON.parse(line) as (typeof said)[0]),
  )
  return {
    said,
    messages: () => said.map(({ msg }) => msg),
    ended: once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>,
    stop: () => child.kill('SIGTERM'),
  }
}

/** What was decided on each bar since an instant, oldest first. */
async function decidedSince({ gateway }: RunningServices, since: string): Promise<string[]> {
  const reply = await fetch(`${gateway.url}/v1/decisions?symbol=USD/COP&limit=50`)
  const { decisions } = (await reply.json()) as {
    decisions: { barTime: number; outcome: string; reasons: string[] }[]
  }
  return decisions
    .filter(({ barTime }) => barTime >= Date.parse(since))
    .map(({ barTime, outcome, reasons }) =>
      [new Date(barTime).toISOString().slice(8, 16), outcome, ...reasons].join(' '),
    )
    .reverse()
}

const polling = { timeout: 90_000, interval: 200 }

test('every bar is decided on as it closes, over the end of a day and the beginning of the next', async () => {
  const clock = {
    // The market stands until the history is in.
    CLOCK_WALL_START: new Date(Date.now() + 20_000).toISOString(),
    CLOCK_MARKET_START: '2025-06-26T17:51:00Z',
    CLOCK_SPEED: '120',
    CLOCK_MARKET_END: '2025-06-27T13:15:00Z',
  }
  await using services = await start(clock)
  const feed = startFeed(services, clock)
  await expect
    .poll(() => decidedSince(services, '2025-06-26T17:50Z'), polling)
    .toEqual(['26T17:50 action', '26T17:55 action'])
  feed.stop()
  expect(await feed.ended).toEqual([0, null])
  expect(feed.messages().at(-1)).toBe('stopped')

  const again = startFeed(services, clock)
  expect(await again.ended).toEqual([0, null])
  expect(again.said.at(-1)).toMatchObject({
    msg: 'There is nothing more to send',
    counts: { accepted: 3 },
  })
  await expect
    .poll(() => decidedSince(services, '2025-06-27'), polling)
    .toEqual(['27T13:00 action', '27T13:05 action', '27T13:10 action'])
})

test('a feed outlives the materializer’s database, and sends again what was not taken', async () => {
  const clock = {
    CLOCK_WALL_START: new Date().toISOString(),
    CLOCK_MARKET_START: '2025-06-26T17:51:00Z',
    CLOCK_SPEED: '0.01',
  }
  await using services = await start(clock)
  await postgres.down('SIGQUIT')
  const feed = startFeed(services, clock)
  const away = 'the materializer does not take it; trying again'
  await expect.poll(feed.messages, polling).toContain(away)
  await postgres.up()
  await expect.poll(feed.messages, polling).toContain('loaded what was due')
  const status = await fetch(`${services.materializer.url}/v1/status`)
  expect(await status.json()).toMatchObject({
    symbols: [{ symbol: 'USD/COP', lastBar: '2025-06-26T17:45:00.000Z' }],
  })
  feed.stop()
  expect(await feed.ended).toEqual([0, null])
})
