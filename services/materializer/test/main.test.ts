import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { digestOf } from '@usdcop/service/auth'
import { afterEach, beforeEach, expect, test } from 'vitest'

const MAIN = join(import.meta.dirname, '../src/main.ts')
const TOKEN = 'a-token'

let directory: string
const children: ChildProcess[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usdcop-materializer-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await rm(directory, { recursive: true, force: true })
})

function spawnMain(more: NodeJS.ProcessEnv = {}): ChildProcess {
  const env = {
    ...more,
    PATH: process.env['PATH'],
    PORT: '0',
    DATA_DIR: directory,
    API_KEYS: `desk:writer:${digestOf(TOKEN)}`,
  }
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  return child
}

/** The address it listens at; the log says so. */
async function listening(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('no log to read')
  for await (const line of createInterface(child.stdout)) {
    const { address } = JSON.parse(line) as { address?: string }
    if (address !== undefined) return address
  }
  throw new Error('it ended before it listened')
}

async function end(child: ChildProcess): Promise<unknown> {
  child.stdout?.resume()
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code
}

const bar = (time: string) => ({
  symbol: 'USD/COP',
  time: `2025-06-18T${time}:00Z`,
  open: 4_000,
  high: 4_001,
  low: 3_999,
  close: 4_000,
})

async function post(address: string, times: readonly string[]): Promise<unknown> {
  const reply = await fetch(`${address}/v1/bars`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({ bars: times.map(bar) }),
  })
  return await reply.json()
}

test('runs on embedded stores, ends in order at SIGTERM and goes on where it was', {
  timeout: 60_000,
}, async () => {
  const first = spawnMain()
  const address = await listening(first)
  expect(await post(address, ['13:00'])).toMatchObject({ accepted: 1 })
  expect((await fetch(`${address}/readyz`)).status).toBe(200)
  expect(await end(first)).toBe(0)

  const second = spawnMain()
  const again = await listening(second)
  expect(await post(again, ['13:00', '13:05'])).toEqual({
    accepted: 1,
    rejected: 1,
    rows: [{ status: 'rejected', reason: 'duplicate' }, { status: 'accepted' }],
  })
  const status = await fetch(`${again}/v1/status`)
  expect(await status.json()).toMatchObject({
    symbols: [{ symbol: 'USD/COP', lastBar: '2025-06-18T13:05:00.000Z' }],
  })
  expect(await end(second)).toBe(0)
})

test('lives on the market clock it is given', { timeout: 60_000 }, async () => {
  const child = spawnMain({
    CLOCK_WALL_START: new Date().toISOString(),
    CLOCK_MARKET_START: '2025-06-18T13:10:00Z',
    CLOCK_SPEED: '0.01',
  })
  const address = await listening(child)
  expect(await post(address, ['13:05', '13:10'])).toMatchObject({
    rows: [{ status: 'accepted' }, { status: 'rejected', reason: 'not_closed' }],
  })
  expect(await end(child)).toBe(0)
})

test('refuses a data directory that another one has, by name', { timeout: 60_000 }, async () => {
  const owner = spawnMain()
  await listening(owner)
  const second = spawnMain()
  let said = ''
  second.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const [code] = await once(second, 'close')
  expect(code).toBe(1)
  expect(said).toBe(`${directory} is in use by process ${owner.pid}\n`)
})
