import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const MAIN = join(ROOT, 'services/feature-server/src/main.ts')

interface Line {
  readonly pid: number
  readonly msg: string
  readonly address?: string
}

async function startServer(env: NodeJS.ProcessEnv) {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-workers-'))
  const child: ChildProcess = spawn(process.execPath, [MAIN], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], DATA_DIR: folder, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: Line[] = []
  if (child.stdout === null) throw new Error('no log')
  createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line) as Line))
  const exit = once(child, 'exit') as Promise<[number | null]>
  return {
    child,
    lines,
    exit,
    serving: () => lines.filter(({ msg }) => msg === 'serving features'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exit
      await rm(folder, { recursive: true, force: true })
    },
  }
}

test('serves with several processes behind one port, brings a dead one back, ends with 0', async () => {
  await using server = await startServer({ WORKERS: '2' })
  await expect.poll(() => server.serving().length, { timeout: 20_000 }).toBe(2)
  const [first, second] = server.serving()
  expect(first?.address).toBe(second?.address)
  expect(first?.pid).not.toBe(second?.pid)
  const ask = async (path: string) =>
    await fetch(`${first?.address}${path}`, { headers: { connection: 'close' } })
  for (const _ of [1, 2, 3, 4]) expect((await ask('/health')).status).toBe(200)

  const counted = async (): Promise<number> => {
    const text = await (await ask('/metrics')).text()
    const found =
      /usdcop_http_request_duration_seconds_count\{.*route="\/health".*\} (?<n>\d+)/.exec(text)
    return Number(found?.groups?.['n'])
  }
  // Whichever worker is asked answers for both.
  expect(await counted()).toBe(4)

  process.kill(first?.pid ?? 0, 'SIGKILL')
  await expect.poll(() => server.serving().length, { timeout: 20_000 }).toBe(3)
  expect(server.lines.some(({ msg }) => msg === 'a worker died')).toBe(true)
  expect((await ask('/health')).status).toBe(200)

  server.child.kill('SIGTERM')
  expect((await server.exit)[0]).toBe(0)
  for (const { pid } of server.serving()) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
}, 60_000)

test('ends with 1 when its workers cannot start', async () => {
  await using server = await startServer({ WORKERS: '2', CONTRACT_FILE: '/nowhere.json' })
  expect((await server.exit)[0]).toBe(1)
}, 30_000)
