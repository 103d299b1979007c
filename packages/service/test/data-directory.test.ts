import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockDirectory } from '../src/data-directory.ts'

let directory: string
const children: ChildProcess[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'usdcop-lock-'))
})
afterEach(async () => {
  await Promise.all(children.splice(0).map(kill))
  await rm(directory, { recursive: true, force: true })
})

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function holdInChild(path: string): Promise<ChildProcess> {
  const program = join(import.meta.dirname, 'hold-directory.ts')
  const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  if (child.stdout === null) throw new Error('no output to read')
  await once(child.stdout, 'data')
  return child
}

test('refuses a directory that another process owns, naming both', async () => {
  const owner = await holdInChild(directory)
  await expect(lockDirectory(directory)).rejects.toMatchObject({
    code: 'data_directory_in_use',
    message: `${directory} is in use by process ${owner.pid}`,
  })
})

test('takes over from an owner that was killed', async () => {
  const owner = await holdInChild(directory)
  await kill(owner)
  await using taken = await lockDirectory(directory)
  expect(taken.path).toBe(directory)
})

test('refuses a second owner in the same process, and frees the directory when disposed', async () => {
  const path = join(directory, 'made', 'on the way')
  {
    await using _owner = await lockDirectory(path)
    await expect(lockDirectory(path)).rejects.toMatchObject({
      message: `${path} is in use by process ${process.pid}`,
    })
  }
  await using again = await lockDirectory(path)
  expect(again.path).toBe(path)
})
