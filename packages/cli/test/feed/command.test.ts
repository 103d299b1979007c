import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { repositoryPath } from '../../src/paths.ts'
import { usdcop } from '../usdcop.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-feed-'))
})
afterEach(() => rm(folder, { recursive: true }))

const keyFile = async (text: string): Promise<string> => {
  const path = join(folder, 'key')
  await writeFile(path, text)
  return path
}

test('names a key file that cannot be read', async () => {
  const path = join(folder, 'nowhere')
  const { code, stderr } = await usdcop('feed', '--key-file', path)
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^usdcop: .*\/nowhere holds no key: ENOENT/),
  })
})

test.for(['', 'two words', 'one\nhunter2'])(
  'takes no key that HTTP could not carry, and does not repeat it: %j',
  async (text) => {
    const { code, stdout, stderr } = await usdcop('feed', '--key-file', await keyFile(text))
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: `usdcop: ${join(folder, 'key')} holds no key\n`,
    })
  },
)

test.for([
  { given: [], says: "error: '--key-file <file>' or '--key-secret <path>' is needed" },
  {
    given: ['--key-file', 'k', '--key-secret', 'services/demo-feed'],
    says: "error: option '--key-file <file>' cannot be used with option '--key-secret <path>'",
  },
  { given: ['--key-secret', '../x'], says: 'a path of Vault is expected.' },
])('takes a key from one place: $given', async ({ given, says }) => {
  const { code, stderr } = await usdcop('feed', ...given)
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(says) })
})

test('a key in Vault goes with an address of one', async () => {
  const { code, stderr } = await usdcop('feed', '--key-secret', 'services/demo-feed')
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'usdcop: a key in Vault goes with VAULT_ADDR\n',
  })
})

test('ends at a file that cannot be read, though no materializer is there', async () => {
  const bars = join(folder, 'nowhere.csv')
  const nobody = ['--to', 'http://127.0.0.1:1', '--key-file', await keyFile('k')]
  // A process of its own: what goes on trying behind the error keeps that from ending.
  const command = [repositoryPath('packages/cli/src/main.ts'), 'feed', ...nobody, '--bars', bars]
  const { status, stderr } = spawnSync(process.execPath, command, { timeout: 30_000 })
  expect(stderr.toString()).toContain(`usdcop: ${bars} cannot be read as CSV: ENOENT`)
  expect(status).toBe(1)
})

test('repeats no password of an address', async () => {
  const args = ['--key-file', 'k', '--to', 'http://me:hunter2@here']
  const { code, stderr } = await usdcop('feed', ...args)
  expect(code).toBe(2)
  expect(stderr).not.toContain('hunter2')
})
