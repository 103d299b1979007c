import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { openPglite } from '@usdcop/database/pglite'
import { saveSymbolState } from '@usdcop/database/reducer-state'
import type { StartReport } from '@usdcop/service/start-report'
import { startAllInOne } from '@usdcop/tests/support/all-in-one'
import { expect, test } from 'vitest'
import { contract } from './contract.ts'
import { failureOf, shortReplay, stop } from './platform.ts'

const CONTRACT = new URL('../../../config/contracts/observation-15d.v1.json', import.meta.url)
/** Slow enough to still be running when it is looked at. */
const SLOWLY = { REPLAY_SPEED: '1' }

test('names the directory and its owner to a second process, and lets go when killed', async ({
  signal,
}) => {
  await using replay = await shortReplay(signal)
  const { dataDirectory } = replay
  const env = { ...replay.env, ...SLOWLY }
  await using owner = startAllInOne(dataDirectory, env)
  await owner.ready
  await using second = startAllInOne(dataDirectory, env)
  expect(await failureOf(second)).toEqual({
    status: 1,
    code: 'data_directory_in_use',
    message: `${dataDirectory} is in use by process ${owner.child.pid}`,
  })
  owner.child.kill('SIGKILL')
  await owner.ended
  await using heir = startAllInOne(dataDirectory, env)
  expect(await heir.ready).toMatchObject({ backfilled: null })
})

test('names a data file that is missing', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  const bars = join(replay.folder, 'nowhere.csv')
  await using platform = startAllInOne(replay.dataDirectory, { ...replay.env, BARS_FILE: bars })
  expect(await failureOf(platform)).toMatchObject({
    status: 1,
    code: 'invalid_request',
    message: expect.stringContaining(`${bars} cannot be read`),
  })
})

test('names a port that is taken, and the variable to change', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  await using other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const env = { ...replay.env, GATEWAY_PORT: String(port) }
  await using platform = startAllInOne(replay.dataDirectory, env)
  expect(await failureOf(platform)).toEqual({
    status: 1,
    code: 'config_invalid',
    message: `port ${port} is taken by another process; set GATEWAY_PORT to a free one`,
  })
})

test('names every port that is taken before it loads anything', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  await using other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const port = String((other.address() as AddressInfo).port)
  const env = { ...replay.env, FEATURE_SERVER_PORT: port, MATERIALIZER_PORT: port }
  await using platform = startAllInOne(replay.dataDirectory, env)
  const kinds: string[] = []
  platform.child.on('message', ({ kind }: StartReport) => kinds.push(kind))
  const { message } = await failureOf(platform)
  expect(message.split('\n')).toEqual([
    `port ${port} is taken by another process; set FEATURE_SERVER_PORT to a free one`,
    `port ${port} is taken by another process; set MATERIALIZER_PORT to a free one`,
  ])
  expect(kinds).toEqual(['failed'])
})

test('names an address that is none of this machine, and its variable', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  // Of documentation (RFC 5737).
  const env = { ...replay.env, HOST: '192.0.2.1' }
  await using platform = startAllInOne(replay.dataDirectory, env)
  expect(await failureOf(platform)).toMatchObject({
    status: 1,
    code: 'config_invalid',
    message: expect.stringMatching(/^HOST 192\.0\.2\.1 with FEATURE_SERVER_PORT 0 cannot be/),
  })
})

test.for(['database', 'offline'])(
  'opens and forgets no %s of somebody else',
  async (part, { signal }) => {
    await using replay = await shortReplay(signal)
    const { dataDirectory, env } = replay
    const theirs = join(dataDirectory, part, 'letters.txt')
    await mkdir(dirname(theirs), { recursive: true })
    await writeFile(theirs, 'dear')
    // Twice: the first refusal has not made it ours.
    for (const DATA_FRESH of ['false', 'true']) {
      await using platform = startAllInOne(dataDirectory, { ...env, DATA_FRESH })
      expect(await failureOf(platform)).toEqual({
        status: 1,
        code: 'config_invalid',
        message: `${dataDirectory} is no data directory, and has ${part} of somebody else's; name another one`,
      })
    }
    expect(await readFile(theirs, 'utf8')).toBe('dear')
  },
)

test('refuses a directory that was filled under another definition', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  const { folder, dataDirectory, env } = replay
  await using platform = startAllInOne(dataDirectory, env)
  await platform.ready
  await stop(platform)
  const other = JSON.parse(await readFile(CONTRACT, 'utf8'))
  other.definition.features[0].clip = 0.04
  await writeFile(join(folder, 'contract.json'), JSON.stringify(other))
  const changed = { ...env, CONTRACT_FILE: join(folder, 'contract.json') }
  await using second = startAllInOne(dataDirectory, changed)
  expect(await failureOf(second)).toMatchObject({ status: 1, code: 'contract_mismatch' })
})

test('ends, and says why, when the replay fails', async ({ signal }) => {
  await using replay = await shortReplay(signal)
  const { dataDirectory, env } = replay
  await using platform = startAllInOne(dataDirectory, { ...env, ...SLOWLY })
  await platform.ready
  await stop(platform)
  const db = await openPglite(join(dataDirectory, 'database'), signal)
  await saveSymbolState(db, contract.definitionHash, 'USD/COP', new Uint8Array(8), signal)
  await db.close()
  await using second = startAllInOne(dataDirectory, env)
  expect(await failureOf(second)).toEqual({
    status: 1,
    code: 'state_invalid',
    message: '8 bytes are no symbol state',
  })
})

test.for(['backfill', 'ready', 'session'])(
  'ends in order when it is told to at %s',
  async (moment, { signal }) => {
    await using replay = await shortReplay(signal)
    await using platform = startAllInOne(replay.dataDirectory, { ...replay.env, ...SLOWLY })
    const { promise, resolve } = Promise.withResolvers<void>()
    platform.child.on('message', ({ kind }: { kind: string }) => {
      if (kind === moment) resolve()
    })
    await promise
    expect(await stop(platform)).toBe(0)
  },
)
