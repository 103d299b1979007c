import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { TOKENS, testBroker } from '../../../../services/secrets-broker/test/test-broker.ts'
import { usdcop } from '../usdcop.ts'

let keyFile: string
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-cli-'))
  keyFile = join(folder, 'key')
  await writeFile(keyFile, `${TOKENS.admin}\n`)
  onTestFinished(() => rm(folder, { recursive: true }))
})

/** The broker's own admin listener, and the command against it. */
async function setUp(deps: Parameters<typeof testBroker>[0] = {}) {
  const { admin } = testBroker(deps)
  const to = await admin.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => admin.close())
  return (...args: string[]) => usdcop('secrets', ...args, '--to', to, '--key-file', keyFile)
}

test('callers as a table, and as JSON', async () => {
  const secrets = await setUp()
  const { code, stdout } = await secrets('callers')
  expect(code).toBe(0)
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    'CALLER  ROLE        SECRETS  STATE   TOKEN',
    'alpha   alpha-role  yes      served  60 s left',
    'beta    beta-role   no       served  none',
  ])
  const json = JSON.parse((await secrets('callers', '--json')).stdout)
  expect(json.callers[1]).toMatchObject({ name: 'beta', revoked: false, tokenSecondsLeft: null })
})

test('a caller is revoked, restored, rotated and forgotten', async () => {
  const secrets = await setUp()
  expect((await secrets('revoke', 'beta')).stdout).toBe(
    'beta: revoked until it is restored, or the broker starts again\n',
  )
  expect((await secrets('callers')).stdout).toContain('beta    beta-role   no       revoked')
  expect((await secrets('restore', 'beta')).stdout).toBe('beta: may ask again\n')
  expect((await secrets('callers')).stdout).not.toContain('revoked')
  expect((await secrets('rotate', 'beta', '--json')).stdout).toBe(
    '{"action":"rotate","caller":"beta"}\n',
  )
  expect((await secrets('flush')).stdout).toBe('everybody: nothing is kept\n')
  expect((await secrets('flush', 'beta')).stdout).toBe('beta: nothing is kept\n')
})

test('Redis is rotated', async () => {
  const rotated = { version: 7, passwordsAccepted: 2 }
  const redisRotation = { path: 'trading/redis', rotate: async () => rotated }
  const secrets = await setUp({ redisRotation })
  const { stdout } = await secrets('rotate', 'redis')
  expect(stdout).toMatch(/^redis: trading\/redis is version 7; 2 passwords/)
  const json = JSON.parse((await secrets('rotate', 'redis', '--json')).stdout)
  expect(json).toEqual({ secret: 'trading/redis', ...rotated })
})

test('what the broker refuses ends with 1, in its words', async () => {
  const secrets = await setUp()
  expect(await secrets('revoke', 'nobody')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'usdcop: no caller of that name\n',
  })
  expect((await secrets('rotate', 'redis')).stderr).toContain('no Redis is rotated here')
  await writeFile(keyFile, 'token-of-scraper')
  expect((await secrets('callers')).stderr).toContain('needs the role admin')
  await writeFile(keyFile, 'marker-unknown')
  const unknown = await secrets('callers')
  expect([unknown.code, unknown.stderr]).toEqual([1, 'usdcop: the bearer token is not known\n'])
})

test('a broker that is not there ends with 1, and its key stands nowhere', async () => {
  const away = await usdcop(
    'secrets',
    'callers',
    '--to',
    'http://127.0.0.1:1',
    '--key-file',
    keyFile,
  )
  expect(away.code).toBe(1)
  expect(away.stderr).toContain('http://127.0.0.1:1 cannot be reached')
  expect(away.stderr).not.toContain(TOKENS.admin)
})
