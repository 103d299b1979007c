import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { digestOf } from '@usdcop/service/auth'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Bao, startDevelopmentBao } from '../../../tests/support/openbao.ts'
import { ask } from './ask.ts'
import { type Authority, makeAuthority } from './certificates.ts'
import { brokerCredential, callersText, prepareVault } from './prepared-vault.ts'
import { bearer, TOKENS } from './test-broker.ts'

const MAIN = join(import.meta.dirname, '../src/main.ts')

let bao: Bao
let authority: Authority
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  bao = await startDevelopmentBao()
  authority = await makeAuthority()
  await prepareVault(bao)
  const at = (name: string) => join(authority.folder, name)
  await authority.sign('broker', ['DNS:localhost', 'IP:127.0.0.1'])
  const { roleId, secretId } = await brokerCredential(bao)
  await writeFile(at('secret-id'), secretId.reveal(), { mode: 0o600 })
  await writeFile(at('callers.json'), callersText)
  env = {
    PATH: process.env['PATH'],
    PORT: '0',
    ADMIN_PORT: '0',
    API_KEYS: `operator:admin:${digestOf(TOKENS.admin)}`,
    CALLERS_FILE: at('callers.json'),
    TLS_CERT_FILE: at('broker.crt'),
    TLS_KEY_FILE: at('broker.key'),
    CLIENT_CA_FILE: at('ca.crt'),
    VAULT_ADDR: bao.address,
    VAULT_ROLE_ID: roleId,
    VAULT_SECRET_ID_FILE: at('secret-id'),
  }
})
afterAll(async () => {
  await bao[Symbol.asyncDispose]()
  await authority[Symbol.asyncDispose]()
})

function spawnMain(more: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: { ...env, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

async function textOf(stream: AsyncIterable<unknown> | null): Promise<string> {
  let text = ''
  for await (const chunk of stream ?? []) text += String(chunk)
  return text
}

test('serves by certificate, has an admin listener on loopback, and revokes what it holds at SIGTERM', async () => {
  const accessors = async () => (await bao.ask('LIST', 'auth/token/accessors')).body.data.keys
  const before = (await accessors()).length
  const child = spawnMain()
  const printed: string[] = []
  const addresses = new Map<string, string>()
  const listening = Promise.withResolvers<void>()
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
    printed.push(line)
    const { address, adminAddress } = JSON.parse(line) as Record<string, string>
    if (adminAddress !== undefined) addresses.set('admin', adminAddress)
    if (address !== undefined) addresses.set('broker', address)
    if (addresses.size === 2) listening.resolve()
  })
  await listening.promise
  const address = addresses.get('broker') ?? ''
  const admin = addresses.get('admin') ?? ''
  expect(admin).toMatch(/^http:\/\/127\.0\.0\.1:/)

  const client = await authority.sign('materializer', ['DNS:materializer'])
  const asked = { ca: authority.ca, client }
  await expect
    .poll(async () => (await ask(address, '/readyz', asked)).body)
    .toMatchObject({ ready: true, states: { vault: 'active', identity: 'held' } })
  const identity = await ask(address, '/v1/identity', { ...asked, method: 'POST' })
  expect([identity.status, identity.body.creationPath]).toEqual([
    201,
    'auth/approle/role/materializer/secret-id',
  ])
  const secret = await ask(address, '/v1/secrets/services/materializer', asked)
  expect(secret.body.fields.value).toBe('marker-value-of-materializer')
  const listed = await ask(admin, '/v1/callers', { headers: bearer(TOKENS.admin) })
  expect(listed.body.callers).toHaveLength(Object.keys(JSON.parse(callersText)).length)
  const metrics = (await ask(address, '/metrics', asked)).text
  for (const name of ['secrets-broker', 'materializer'])
    expect(metrics).toMatch(
      new RegExp(`usdcop_secrets_broker_token_seconds_left\\{identity="${name}",.*\\} [1-9]`),
    )
  // Its own token, the caller's, and the wrapped secret id that nobody has opened.
  expect(await accessors()).toHaveLength(before + 3)

  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
  expect(await accessors()).toHaveLength(before + 1)
  expect(printed.join('\n')).not.toMatch(/marker|"level":[56]0/)
})

test('killed right behind an answer, it has told of every answer that left', async () => {
  const log = await open(join(authority.folder, 'killed.log'), 'w+')
  const child = spawn(process.execPath, [MAIN], {
    env: { ...env, API_KEYS: '', REQUEST_BURST: '10000' },
    stdio: ['ignore', log.fd, 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = async () =>
    (await readFile(join(authority.folder, 'killed.log'), 'utf8')).split('\n').slice(0, -1)
  await expect.poll(lines, { timeout: 30_000 }).toContainEqual(expect.stringContaining('"address"'))
  const { address } = JSON.parse((await lines()).at(-1) ?? '') as { address: string }
  const client = await authority.sign('killer', ['DNS:materializer'])
  const answered: string[] = []
  let left = 300
  const askOn = async () => {
    while (left-- > 0) {
      const at = '/v1/secrets/services/materializer'
      const { headers } = await ask(address, at, { ca: authority.ca, client }).catch(() => ({
        headers: undefined,
      }))
      if (headers === undefined) return
      answered.push(String(headers['x-request-id']))
      if (answered.length === 200) child.kill('SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: 8 }, askOn))
  expect(child.signalCode ?? (await once(child, 'exit'))[1]).toBe('SIGKILL')
  await log.close()
  const told = (await lines()).map((line) => (JSON.parse(line) as { requestId?: string }).requestId)
  expect(answered.length).toBeGreaterThanOrEqual(200)
  expect(answered.filter((id) => !told.includes(id))).toEqual([])
})

test('is there and not ready while Vault is away, and ends all the same', async () => {
  const child = spawnMain({ VAULT_ADDR: 'http://127.0.0.1:1', API_KEYS: '' })
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  let address = ''
  for await (const line of lines) {
    const told = JSON.parse(line) as Record<string, string>
    expect(told['adminAddress']).toBeUndefined()
    address = told['address'] ?? ''
    if (address !== '') break
  }
  child.stdout?.resume()
  const answer = await ask(address, '/readyz', { ca: authority.ca })
  expect([answer.status, answer.body.states]).toEqual([
    503,
    { vault: 'unreachable', identity: 'none' },
  ])
  expect((await ask(address, '/livez', { ca: authority.ca })).status).toBe(200)
  child.kill('SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(0)
})

test.for([
  ['no file of callers', { CALLERS_FILE: '/nowhere' }, '/nowhere cannot be read (ENOENT)'],
  ['a key that is not there', { TLS_KEY_FILE: '/nowhere' }, '/nowhere cannot be read (ENOENT)'],
  ['plain HTTP for others', { HOST: '0.0.0.0', TLS_CERT_FILE: '' }, 'speaks TLS alone'],
  [
    'an identity in a folder that others may write into',
    { VAULT_SECRET_ID_FILE: '', IDENTITY_DIR: '/tmp' },
    'others may write into /tmp',
  ],
  ['no way to log in', { VAULT_SECRET_ID_FILE: '' }, 'VAULT_SECRET_ID_FILE'],
] as const)('does not start with %s, and says so', async ([, more, says]) => {
  const child = spawnMain(more)
  child.stdout?.resume()
  const told = textOf(child.stderr)
  const [code] = await once(child, 'exit')
  expect(code).toBe(1)
  expect(await told).toContain(says)
})
