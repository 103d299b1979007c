import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request as requestPlain } from 'node:http'
import { Agent, request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { baoPath, isVault } from './bao-path.ts'
import { until } from './until.ts'

export interface BaoAnswer {
  readonly status: number
  // oxlint-disable-next-line no-explicit-any
  readonly body: any
}

/** A real OpenBao or Vault of this test alone. */
export interface Bao extends AsyncDisposable {
  readonly address: string
  readonly folder: string
  readonly rootToken: string
  /** PEM of the authority to trust; undefined in development, where there is no TLS. */
  readonly caFile: string | undefined
  /** With the root token unless another one is given; `''` sends none. */
  ask(method: string, path: string, body?: object, token?: string): Promise<BaoAnswer>
  /** What it has written of each request, one object a line, into this file. */
  auditLog(): Promise<readonly AuditEntry[]>
  readonly auditFile: string
  /** For a program: where it is, and who may. */
  readonly env: Readonly<Record<string, string>>
  /** Ends it at once, as a fault of the machine would; `up` starts it again, where it keeps anything. */
  down(): Promise<void>
  up(): Promise<void>
  /** It reads its certificate again, as an operator tells it to. */
  reload(): void
}

export interface AuditEntry {
  readonly type: 'request' | 'response'
  readonly request: {
    readonly path: string
    readonly operation: string
    readonly [key: string]: unknown
  }
  readonly [key: string]: unknown
}

const ROOT_TOKEN = 'root-of-this-test'

/** In memory, unsealed, without TLS, KV version 2 at `secret/`, with an audit log. */
export async function startDevelopmentBao(): Promise<Bao> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-bao-'))
  const port = await freePort()
  const config = join(folder, 'audit.hcl')
  await writeFile(config, auditStanza(folder))
  const declared = isVault() ? [] : [`-config=${config}`]
  const options = [`-dev-root-token-id=${ROOT_TOKEN}`, `-dev-listen-address=127.0.0.1:${port}`]
  const args = ['server', '-dev', '-dev-no-store-token', ...declared, ...options]
  const server = await launch(folder, args, `http://127.0.0.1:${port}`, undefined)
  await until(
    async () => (await server.ask('GET', 'sys/health', undefined, '')).status === 200,
    'a development server',
  )
  if (isVault()) await enableAudit(server, ROOT_TOKEN)
  return { ...server, rootToken: ROOT_TOKEN }
}

/**
 * As in production: `config/vault/vault.hcl` in a folder of its own, raft behind TLS, initialised and unsealed.
 * @param options audit `declared`: as that file says, which is OpenBao's way and no log in Vault
 */
export async function startProductionBao({
  audit = true,
}: {
  readonly audit?: boolean | 'declared'
} = {}): Promise<Bao & { readonly unseal: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-bao-'))
  const [port, clusterPort] = [await freePort(), await freePort()]
  for (const name of ['file', 'tls', 'logs']) await mkdir(join(folder, name))
  await makeCertificate(join(folder, 'tls'))
  const text = await readFile(new URL('../../config/vault/vault.hcl', import.meta.url), 'utf8')
  const config = join(folder, 'vault.hcl')
  await writeFile(
    config,
    (audit !== false ? text : text.replace(/^audit [\s\S]*?^}$/m, ''))
      .replaceAll('/vault/', `${folder}/`)
      .replaceAll('0.0.0.0:8200', `127.0.0.1:${port}`)
      .replaceAll('127.0.0.1:8201', `127.0.0.1:${clusterPort}`),
  )
  const caFile = join(folder, 'tls/tls.crt')
  const server = await launch(
    folder,
    ['server', `-config=${config}`],
    `https://127.0.0.1:${port}`,
    caFile,
  )
  await until(
    async () => (await server.ask('GET', 'sys/health', undefined, '')).status === 501,
    'an empty server',
  )
  const init = { secret_shares: 1, secret_threshold: 1 }
  const { body } = await server.ask('POST', 'sys/init', init, '')
  const unseal = async () => {
    const key = { key: body.keys_base64[0] }
    const active = async () => (await server.ask('GET', 'sys/health', undefined, '')).status === 200
    await until(
      async () => (await server.ask('POST', 'sys/unseal', key, '')).status === 200,
      'unsealing',
    )
    await until(active, 'an active server')
  }
  await unseal()
  if (audit === true && isVault()) await enableAudit(server, body.root_token)
  const env = { ...server.env, VAULT_TOKEN: body.root_token }
  const ask: Bao['ask'] = (method, path, asked, token = body.root_token) =>
    server.ask(method, path, asked, token)
  return { ...server, ask, env, rootToken: body.root_token, unseal }
}

async function launch(
  folder: string,
  args: readonly string[],
  address: string,
  caFile: string | undefined,
): Promise<Omit<Bao, 'rootToken'>> {
  const start = () =>
    spawn(baoPath(), args, { stdio: 'ignore', env: { HOME: folder, PATH: process.env['PATH'] } })
  let server = start()
  const down = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  const auditFile = join(folder, 'logs/audit.log')
  const agent = caFile === undefined ? undefined : new Agent({ ca: await readFile(caFile) })
  return {
    address,
    folder,
    caFile,
    env: {
      VAULT_ADDR: address,
      VAULT_TOKEN: ROOT_TOKEN,
      HOME: folder,
      ...(caFile !== undefined && { VAULT_CACERT: caFile }),
    },
    auditFile,
    ask: (method, path, body, token = ROOT_TOKEN) =>
      exchange(address, agent, { method, path, body, token }),
    async auditLog() {
      const text = await readFile(auditFile, 'utf8').catch(() => '')
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as AuditEntry)
    },
    down,
    async up() {
      server = start()
    },
    reload: () => void server.kill('SIGHUP'),
    async [Symbol.asyncDispose]() {
      await down()
      agent?.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Exchange {
  readonly method: string
  readonly path: string
  readonly body: object | undefined
  readonly token: string
}

/** Status 0 where there is no answer. */
async function exchange(
  address: string,
  agent: Agent | undefined,
  { method, path, body, token }: Exchange,
): Promise<BaoAnswer> {
  const { promise, resolve } = Promise.withResolvers<BaoAnswer>()
  const headers = token === '' ? {} : { 'x-vault-token': token }
  const url = `${address}/v1/${path}`
  const sent =
    agent === undefined
      ? requestPlain(url, { method, headers })
      : requestSecurely(url, { method, headers, agent })
  sent.on('error', () => resolve({ status: 0, body: undefined }))
  sent.on('response', (response) => {
    let text = ''
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        body: text === '' ? undefined : JSON.parse(text),
      }),
    )
  })
  sent.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}

const requestSecurely = request

/** Vault takes its audit devices from its API alone. */
async function enableAudit(
  { ask, auditFile }: Omit<Bao, 'rootToken'>,
  token: string,
): Promise<void> {
  const device = { type: 'file', options: { file_path: auditFile } }
  const { status } = await ask('POST', 'sys/audit/file', device, token)
  if (status !== 204) throw new Error(`no audit log: Vault answers ${status}`)
}

function auditStanza(folder: string): string {
  const path = join(folder, 'logs/audit.log')
  return `audit "file" "file" {\n  options {\n    file_path = "${path}"\n  }\n}\n`
}

/** Signed by its own key: another one is of another authority. */
export async function makeCertificate(folder: string): Promise<void> {
  const files = ['-keyout', join(folder, 'tls.key'), '-out', join(folder, 'tls.crt')]
  const names = ['-subj', '/CN=vault', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1']
  await promisify(execFile)('openssl', [...kind, ...names, ...files])
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

/** Runs `bao` to its end against a server; standard output. */
export function runBao(bao: Bao, ...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(baoPath(), args, {
    env: { ...bao.env },
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`bao ${args[0]} ended with ${status}: ${stderr}`)
  return stdout.trim()
}
