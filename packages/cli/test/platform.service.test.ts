import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReplaySummary } from '@usdcop/service/start-report'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { repositoryPath } from '../src/paths.ts'
import { type SmallData, writeSmallData } from './small-data.ts'

let folder: string
let data: SmallData
const running: ChildProcess[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-cli-'))
  data = await writeSmallData(folder)
})
afterEach(async () => {
  for (const child of running.splice(0)) if (isUp(child)) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

function isUp({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** The command as a terminal runs it: through the launcher, in a process group of its own. */
function usdcop(...args: string[]) {
  const launcher = repositoryPath('scripts/launch.mjs')
  const command = [launcher, 'packages/cli/src/main.ts', ...args]
  const child = spawn(process.execPath, command, {
    detached: true,
    env: {
      ...process.env,
      BARS_FILE: data.bars,
      MACRO_FILE: data.macro,
      // Where `replay` keeps its state.
      TMPDIR: folder,
      FEATURE_SERVER_PORT: '0',
      MATERIALIZER_PORT: '0',
      GATEWAY_PORT: '0',
    },
  })
  running.push(child)
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  const code = once(child, 'close').then(([status]) => status as number | null)
  return {
    said,
    code,
    /** Ctrl-C: the terminal signals the whole group. */
    interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
  }
}

/** Nothing else is left behind, by us or by a library: `TMPDIR` is the same folder. */
const FILES = ['bars.csv', 'macro.csv']

test('replays a file and prints what it came to as JSON, leaving nothing behind', async () => {
  const { said, code } = usdcop('replay', '--json')
  expect({ code: await code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
  const summary = JSON.parse(said.stdout) as ReplaySummary
  expect(summary).toMatchObject({
    from: '2025-06-26',
    to: '2025-06-27',
    bars: 120,
    signals: { LONG: 0, SHORT: 0, FLAT: 0 },
    refused: 120,
    reasons: { warmup: 120, feature_null: 120 },
    fills: 0,
    equity: summary.initialCash,
  })
  expect(await readdir(folder)).toEqual(FILES)
})

test('starts, replays and ends, and tells a person all of it without a terminal', async () => {
  const state = join(folder, 'state')
  const args = ['start', '--data-dir', state, '--from', '2025-06-27', '--speed', 'max', '--exit']
  const { said, code } = usdcop(...args)
  expect({ code: await code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
  expect(said.stdout).toMatch(/Look here first: http:\/\/localhost:\d+\n/)
  expect(said.stdout).toContain('60 bars in ')
  expect(said.stdout).toContain('2025-06-27 … 2025-06-27, 1 session, as fast as it goes')
  expect(said.stdout).toContain(join(state, 'keys', 'writer'))
  expect(said.stdout).toContain(join(state, 'usdcop.log'))
  expect(said.stdout).toContain('0 long, 0 short, 0 flat, 60 refused')
  expect(said.stdout).toContain('60 × warmup')
  // oxlint-disable-next-line no-control-regex -- the point is that there are none
  expect(said.stdout).not.toMatch(/[\r\u001b]/)
})

test('prints the log instead, a JSON object a line, where asked to', async () => {
  const state = join(folder, 'state')
  const args = ['start', '--data-dir', state, '--from', '2025-06-27', '--speed', 'max', '--exit']
  const { said, code } = usdcop(...args, '--json')
  expect({ code: await code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
  const lines = said.stdout.trimEnd().split('\n')
  const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  expect(messages.at(-1)).toBe('the replay has ended; the clock holds')
  expect(await readdir(state)).not.toContain('usdcop.log')
})

test('stops in order at Ctrl-C while it holds, with 0', async () => {
  const { said, code, interrupt } = usdcop('start', '--data-dir', join(folder, 'state'))
  await expect.poll(() => said.stdout, { timeout: 60_000 }).toContain('Ctrl-C stops it.')
  interrupt()
  expect({ code: await code, stderr: said.stderr }).toEqual({ code: 0, stderr: '' })
  expect(said.stdout).toContain('Stopping; the next start goes on from here.')
})

test('is interrupted by Ctrl-C while it replays, with 130', async () => {
  const { said, code, interrupt } = usdcop('replay')
  await expect.poll(() => readdir(folder), { timeout: 60_000 }).not.toEqual(FILES)
  interrupt()
  expect({ code: await code, said }).toEqual({
    code: 130,
    said: { stdout: '', stderr: 'usdcop: interrupted\n' },
  })
  expect(await readdir(folder)).toEqual(FILES)
})

test('says what keeps the platform from starting, once, with 1', async () => {
  const bars = join(folder, 'nowhere.csv')
  const { said, code } = usdcop('start', '--data-dir', join(folder, 'state'), '--bars', bars)
  expect(await code).toBe(1)
  expect(said.stderr).toBe(
    `usdcop: ${bars} cannot be read as CSV: ENOENT: no such file or directory, open '${bars}'\n`,
  )
})
