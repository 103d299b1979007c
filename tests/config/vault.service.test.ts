import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { baoPath } from '../support/bao-path.ts'
import { readText, root } from './support/files.ts'
import { freePorts, run, start, temporaryFolder, withReplaced } from './support/run.ts'

const bao = { path: baoPath() }
const script = join(root, 'scripts/vault/init_vault.sh')
const ROOT_TOKEN = 'root-of-this-test'

/** The environment in which init_vault.sh finds `bao` and nothing of this machine. */
async function environment(folder: string, url: string): Promise<NodeJS.ProcessEnv> {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await symlink(bao.path, join(bin, 'bao'))
  return {
    PATH: `${bin}:/usr/bin:/bin`,
    HOME: folder,
    VAULT_ADDR: url,
    VAULT_TOKEN: ROOT_TOKEN,
    VAULT_POLICIES: join(root, 'config/vault/policies'),
    VAULT_INIT_MARKER: join(folder, 'done'),
  }
}

async function startDevelopmentServer(url: string, signal: AbortSignal): Promise<AsyncDisposable> {
  const address = new URL(url).host
  const args = [`-dev-root-token-id=${ROOT_TOKEN}`, `-dev-listen-address=${address}`]
  return start(
    bao.path,
    ['server', '-dev', '-dev-no-store-token', ...args],
    `${url}/v1/sys/health`,
    signal,
  )
}

async function freeUrl(): Promise<string> {
  const [port] = await freePorts(1)
  return `http://127.0.0.1:${port}`
}

describe('init_vault.sh', () => {
  test('makes Vault ready, and changes nothing the second time', async ({ signal }) => {
    await using folder = await temporaryFolder()
    const url = await freeUrl()
    const env = await environment(folder.path, url)
    await using _server = await startDevelopmentServer(url, signal)
    const first = await run('/bin/sh', [script], { env })
    expect(first).toEqual({ code: 0, output: expect.stringContaining('vault-init: ready') })
    expect(existsSync(join(folder.path, 'done'))).toBe(true)
    const read = (path: string) => run(bao.path, ['read', path], { env })
    const role = async () => [
      await read('auth/approle/role/trading'),
      // Another one would mean that the role was made anew.
      await read('auth/approle/role/trading/role-id'),
    ]
    const before = await role()
    const second = await run('/bin/sh', [script], { env })
    expect(second.code).toBe(0)
    expect(await role()).toEqual(before)
  })

  test('gives the role what its policy says, and no more', async ({ signal }) => {
    await using folder = await temporaryFolder()
    const url = await freeUrl()
    const env = await environment(folder.path, url)
    await using _server = await startDevelopmentServer(url, signal)
    expect(await run('/bin/sh', [script], { env })).toMatchObject({ code: 0 })
    const field = async (...args: string[]) => (await run(bao.path, args, { env })).output.trim()
    const roleId = await field('read', '-field=role_id', 'auth/approle/role/trading/role-id')
    const secretId = await field(
      'write',
      '-f',
      '-field=secret_id',
      'auth/approle/role/trading/secret-id',
    )
    const login = ['auth/approle/login', `role_id=${roleId}`, `secret_id=${secretId}`]
    const token = await field('write', '-field=token', ...login)
    await run(bao.path, ['kv', 'put', '-mount=secret', 'trading/database', 'password=x'], { env })
    await run(bao.path, ['kv', 'put', '-mount=secret', 'airflow/database', 'password=x'], { env })

    const can = async (path: string) =>
      (await run(bao.path, ['token', 'capabilities', token, path], { env })).output.trim()
    expect({
      'secret/data/trading/database': await can('secret/data/trading/database'),
      'secret/data/airflow/database': await can('secret/data/airflow/database'),
      'secret/metadata/trading': await can('secret/metadata/trading'),
      'sys/mounts': await can('sys/mounts'),
      'auth/token/create': await can('auth/token/create'),
      'auth/token/renew-self': await can('auth/token/renew-self'),
    }).toEqual({
      'secret/data/trading/database': 'read',
      'secret/data/airflow/database': 'deny',
      'secret/metadata/trading': 'deny',
      'sys/mounts': 'deny',
      'auth/token/create': 'deny',
      'auth/token/renew-self': 'update',
    })
  })

  test('refuses a secret/ that keeps no versions', async ({ signal }) => {
    await using folder = await temporaryFolder()
    const url = await freeUrl()
    const env = await environment(folder.path, url)
    await using _server = await startDevelopmentServer(url, signal)
    await run(bao.path, ['secrets', 'disable', 'secret'], { env })
    await run(bao.path, ['secrets', 'enable', '-path=secret', '-version=1', 'kv'], { env })
    const { code, output } = await run('/bin/sh', [script], { env })
    expect({ code, output }).toEqual({
      code: 1,
      output: expect.stringContaining('not KV version 2'),
    })
    expect(existsSync(join(folder.path, 'done'))).toBe(false)
  })

  test.for([
    ['with nothing to do', { VAULT_TOKEN: '' }, 'no VAULT_TOKEN'],
    ['while it waits for a server', { VAULT_ADDR: 'http://127.0.0.1:1' }, ''],
  ] as const)('stays as a command, and ends at TERM: %s', async ([, change, said], { signal }) => {
    await using folder = await temporaryFolder()
    const env = { ...(await environment(folder.path, 'http://127.0.0.1:1')), ...change }
    const waiting = spawn('/bin/sh', [script, '--stay'], { env })
    let output = ''
    waiting.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    await eventually(
      'a child that is waited for',
      async () => {
        expect(output).toContain(said)
        const children = `/proc/${waiting.pid}/task/${waiting.pid}/children`
        expect(await readFile(children, 'utf8')).not.toBe('')
      },
      { signal, withinMs: 20_000 },
    )
    const begun = performance.now()
    waiting.kill('SIGTERM')
    const [code] = (await once(waiting, 'exit')) as [number]
    expect(code).toBe(143)
    expect(performance.now() - begun).toBeLessThan(2_000)
  })
})

test('a server takes the file of production', async ({ signal }) => {
  await using folder = await temporaryFolder()
  const [port, clusterPort] = await freePorts(2)
  await mkdir(join(folder.path, 'file'))
  await mkdir(join(folder.path, 'tls'))
  const tls = (name: string) => join(folder.path, 'tls', name)
  const names = 'subjectAltName=IP:127.0.0.1'
  const certificate = ['-keyout', tls('tls.key'), '-out', tls('tls.crt'), '-addext', names]
  const request = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=vault',
  ]
  await promisify(execFile)('openssl', [...request, ...certificate])
  const file = join(folder.path, 'vault.hcl')
  const text = withReplaced(readText('config/vault/vault.hcl'), {
    '/vault/': `${folder.path}/`,
    '0.0.0.0:8200': `127.0.0.1:${port}`,
    '127.0.0.1:8201': `127.0.0.1:${clusterPort}`,
  })
  await writeFile(file, text)
  const server = spawn(bao.path, ['server', `-config=${file}`])
  try {
    const env = {
      VAULT_ADDR: `https://127.0.0.1:${port}`,
      VAULT_CACERT: tls('tls.crt'),
      HOME: folder.path,
    }
    await eventually(
      'a sealed server that speaks TLS',
      async () => {
        const { code, output } = await run(bao.path, ['status', '-format=json'], { env })
        expect({ code, output }).toEqual({
          code: 2,
          output: expect.stringContaining('"sealed": true'),
        })
      },
      { signal, withinMs: 20_000 },
    )
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
})
