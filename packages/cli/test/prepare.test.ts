import { execFile } from 'node:child_process'
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import {
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { parseEnv, promisify } from 'node:util'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { repositoryPath } from '../src/paths.ts'

const INFRASTRUCTURE = '# all of them\nCOMPOSE_PROJECT_NAME=usdcop\nLOG_LEVEL=info\nCLOCK_SPEED=\n'
const SECRETS = [
  'grafana_admin_password',
  'grafana_database_password',
  'metrics_key',
  'mlflow_database_password',
  'mlflow_database_url',
  'operator_key',
  'postgres_password',
  'reader_key',
  'redis_users',
  'slack_webhook_url',
  'vault_database_password',
  'vault_seeds',
  'writer_key',
]
const CALLERS = ['feature-server', 'inference-gateway', 'materializer']
const TLS = [
  ...['ca.crt', 'ca.key'],
  ...[...CALLERS, 'secrets-broker'].flatMap((name) => [`${name}.crt`, `${name}.key`]),
]
const SUBNET = '172.30.0.0/16'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-prepare-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'config/profiles'), { recursive: true })
  await cp(repositoryPath('scripts/stack/prepare.sh'), join(folder, 'scripts/stack/prepare.sh'))
  await write('.env.infrastructure', INFRASTRUCTURE)
  await write('images.env', '# pinned\nREDIS_IMAGE=redis:8@sha256:00\n')
  await write('images.standin.env', 'REDIS_IMAGE=standin/redis:7\nSTACK_ABSENT=grafana\n')
  await write('config/profiles/dev.env', 'VAULT_SERVER=server -dev\n')
  await write('config/profiles/demo.env', 'LOG_LEVEL=debug\nCLOCK_SPEED=20\n')
  await write('config/profiles/production.env', 'LOG_LEVEL=warn\n')
  // A network is a file here: whether Docker makes one is Docker's affair, when it is asked is ours.
  await write(
    'bin/docker',
    `#!/bin/sh
echo "$*" >>'${folder}/docker-calls'
case $2 in
inspect) [ -f '${folder}/network' ] && case $3 in --format) echo ${SUBNET} ;; esac ;;
create) : >'${folder}/network' ;;
esac
`,
    0o755,
  )
})

test('writes .env from the three files, the later one winning, each variable once', async () => {
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toContain('wrote .env (profile dev, images.env)')
  expect(await variables()).toEqual([
    'COMPOSE_PROJECT_NAME=usdcop',
    'LOG_LEVEL=info',
    'CLOCK_SPEED=',
    'REDIS_IMAGE=redis:8@sha256:00',
    'VAULT_SERVER=server -dev',
    `STACK_SUBNET=${SUBNET}`,
  ])
  await prepare('production')
  expect(await variables()).toContain('LOG_LEVEL=warn')
})

test('makes every secret, readable in containers and in a folder closed to others', async () => {
  await prepare()
  expect(await readdir(join(folder, 'secrets'))).toEqual(
    [...SECRETS, 'tls'].toSorted((a, b) => (a < b ? -1 : 1)),
  )
  expect(await readdir(join(folder, 'secrets/tls'))).toEqual(TLS)
  expect(await modeOf('secrets')).toBe('700')
  expect(await modeOf('secrets/tls/materializer.key')).toBe('444')
  // It signs whoever may ask the broker; no container has it.
  expect(await modeOf('secrets/tls/ca.key')).toBe('600')
  expect(await Promise.all(SECRETS.map((name) => modeOf(`secrets/${name}`)))).toEqual(
    SECRETS.map(() => '444'),
  )
})

test('makes secrets that agree with each other', async () => {
  await prepare()
  expect(await secret('postgres_password')).toMatch(/^[0-9a-f]{48}$/)
  const seeds = parseEnv(await secret('vault_seeds'))
  expect(seeds).toMatchObject({ REDIS_HOST: 'redis', REDIS_PORT: '6379', REDIS_USER: 'usdcop' })
  const users = (await secret('redis_users')).split('\n')
  expect(users.map((line) => line.split(' ').slice(0, 4).join(' '))).toEqual([
    'user default off',
    'user health on nopass',
    `user usdcop on >${seeds['REDIS_PASSWORD']}`,
    `user rotor on >${seeds['REDIS_ROTOR_PASSWORD']}`,
  ])
  expect(await secret('vault_database_password')).toBe(seeds['VAULT_DATABASE_PASSWORD'])
  expect(await secret('mlflow_database_url')).toBe(
    `postgresql+psycopg2://mlflow:${await secret('mlflow_database_password')}@mlflow-db:5432/mlflow`,
  )
  const entry = async (name: string, role: string, file: string) =>
    `${name}:${role}:${sha256(await secret(file))}`
  const prometheus = await entry('prometheus', 'reader', 'metrics_key')
  expect(seeds['API_KEYS']?.split(',')).toEqual([
    await entry('reader', 'reader', 'reader_key'),
    await entry('writer', 'writer', 'writer_key'),
    prometheus,
    `inference-gateway:writer:${sha256(seeds['FEATURE_SERVER_KEY'] ?? '')}`,
  ])
  expect(seeds['BROKER_API_KEYS']?.split(',')).toEqual([
    prometheus,
    await entry('operator', 'admin', 'operator_key'),
  ])
  const passwords = SECRETS.filter((name) => /_(password|key)$/.test(name))
  const all = [...(await Promise.all(passwords.map(secret))), ...Object.values(seeds)]
  // The one of Vault's role is in both, and nothing else.
  expect(new Set(all).size).toBe(all.length - 1)
  expect(await secret('slack_webhook_url')).toBe('http://slack-is-not-configured.invalid/')
})

test('changes nothing the second time, and asks for the network once', async () => {
  await prepare('demo')
  const before = await everything()
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toBe(
    'prepare: kept the network usdcop-trading-network\n' +
      'prepare: kept .env (profile demo, images.env)\n',
  )
  expect(await everything()).toEqual(before)
  const calls = (await read('docker-calls')).trimEnd().split('\n')
  expect(calls.filter((call) => call === 'network create usdcop-trading-network')).toHaveLength(1)
})

test('goes on with the images it was given before', async () => {
  await run(['demo'], { IMAGES_FILE: 'images.standin.env' })
  const { stdout } = await prepare()
  expect(stdout).toContain('kept .env (profile demo, images.standin.env)')
  expect(await variables()).toContain('STACK_ABSENT=grafana')
})

test('begins the demo once, and again only when asked', async () => {
  const before = Date.now()
  await prepare('demo')
  const [, began] = /^CLOCK_WALL_START=(.*)$/m.exec(await read('.env')) ?? []
  expect(began).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  expect(Date.parse(began ?? '')).toBeGreaterThan(before - 2_000)

  const past = '2026-01-02T03:04:05Z'
  await write('.env', (await read('.env')).replaceAll(began ?? '', past))
  await prepare('demo')
  expect(await variables()).toContain(`CLOCK_WALL_START=${past}`)

  await prepare('dev')
  expect(await read('.env')).not.toContain('CLOCK_WALL_START')
  await prepare('demo')
  expect(await variables()).toContain(`CLOCK_WALL_START=${past}`)

  const { stdout } = await prepare('--restart-clock')
  expect(stdout).toContain("the demo's clock begins now")
  expect(await read('.env')).not.toContain(past)
})

test("keeps what stands below '# yours', and lets it win", async () => {
  await prepare()
  await write('.env', `${await read('.env')}# quieter\nLOG_LEVEL=error\nMINE=1\n`)
  await prepare('demo')
  const text = await read('.env')
  expect(text.match(/^LOG_LEVEL=.*$/gm)).toEqual(['LOG_LEVEL=error'])
  expect(text).toMatch(/\n# yours\n# quieter\nLOG_LEVEL=error\nMINE=1\n$/)
})

test('puts an .env of somebody else aside', async () => {
  await write('.env', 'OWN=1\n')
  const { stdout } = await prepare()
  expect(stdout).toContain('kept your own .env as .env.old')
  expect(await read('.env.old')).toBe('OWN=1\n')
  expect(await read('.env')).not.toContain('OWN')
})

test.for([
  { lost: 'redis_users', says: 'has lost redis_users, which belongs to reader_key writer_key' },
  { lost: 'mlflow_database_url', says: 'which belongs to mlflow_database_password' },
  { lost: 'writer_key', says: 'has lost writer_key, which belongs to reader_key' },
  { lost: 'tls/ca.key', says: '', code: 0 },
])('makes up nothing for a lost $lost', async ({ lost, says, code: expected = 1 }) => {
  await prepare()
  await rm(join(folder, 'secrets', lost))
  const before = await everything()
  const { code, stderr } = await prepare()
  expect(code).toBe(expected)
  expect(stderr).toContain(says)
  expect(await everything()).toEqual(before)
})

test('what an earlier version has made stays, and what is new is made of it', async () => {
  const earlier = {
    ...{ api_keys: 'x', gateway_key: 'g', reader_key: 'r', writer_key: 'w', metrics_key: 'm' },
    ...{ redis_password: 'p', redis_url: 'u', 'redis_users.acl': 'a' },
    ...{ postgres_password: 'pg', database_url: 'd', grafana_database_password: 'gd' },
  }
  for (const [name, text] of Object.entries(earlier)) await write(`secrets/${name}`, text, 0o444)
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toContain(
    'remove them once the stack runs: api_keys database_url gateway_key redis_password redis_url redis_users.acl',
  )
  for (const [name, text] of Object.entries(earlier)) expect(await secret(name)).toBe(text)
  const seeds = parseEnv(await secret('vault_seeds'))
  expect(seeds['API_KEYS']).toContain(`writer:writer:${sha256('w')}`)
  const before = await everything()
  expect(await prepare()).toMatchObject({ code: 0, stderr: '' })
  expect(await everything()).toEqual(before)
})

test('certificates are of our own authority, say who has them, and are renewed when asked', {
  timeout: 20_000,
}, async () => {
  await prepare()
  const read = async (name: string) => new X509Certificate(await secret(`tls/${name}.crt`))
  const authority = await read('ca')
  expect(authority.ca).toBe(true)
  for (const name of [...CALLERS, 'secrets-broker']) {
    const certificate = await read(name)
    expect(certificate.verify(authority.publicKey)).toBe(true)
    expect(certificate.checkPrivateKey(createPrivateKey(await secret(`tls/${name}.key`)))).toBe(
      true,
    )
    const days = (certificate.validToDate.getTime() - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(364)
    expect(certificate.subjectAltName?.split(', ')[0]).toBe(`DNS:${name}`)
    // A caller cannot stand in for the broker, nor the broker for a caller.
    const usage = name === 'secrets-broker' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'
    expect(certificate.keyUsage).toEqual([usage])
  }
  const before = await everything()
  const { code, stdout } = await prepare('--renew-certificates')
  expect(code).toBe(0)
  expect(stdout).toContain('takes it when it is restarted')
  const after = await everything()
  const changed = Object.keys(after).filter((name) => after[name] !== before[name])
  expect(changed).toEqual(
    TLS.filter((name) => !name.startsWith('ca.')).map((n) => `secrets/tls/${n}`),
  )
  expect((await read('materializer')).verify(authority.publicKey)).toBe(true)

  await rm(join(folder, 'secrets/tls/ca.key'))
  const without = await prepare('--renew-certificates')
  expect(without.code).toBe(1)
  expect(without.stderr).toContain('secrets/tls/ca.key is not there')
  expect(await everything()).toEqual(
    Object.fromEntries(Object.entries(after).filter(([name]) => !name.endsWith('ca.key'))),
  )
})

test('says which certificate ends within a month', async () => {
  await prepare()
  const tls = (name: string) => join(folder, 'secrets/tls', name)
  const csr = ['-key', tls('materializer.key'), '-subj', '/CN=materializer', '-out', tls('csr')]
  await openssl('req', '-new', ...csr)
  await chmod(tls('materializer.crt'), 0o644)
  const ca = ['-CA', tls('ca.crt'), '-CAkey', tls('ca.key'), '-set_serial', '1']
  const out = ['-in', tls('csr'), '-out', tls('materializer.crt'), '-days', '29']
  await openssl('x509', '-req', ...ca, ...out)
  const { code, stderr } = await prepare()
  expect(code).toBe(0)
  expect(stderr).toContain('secrets/tls/materializer.crt ends soon or has ended (notAfter=')
  expect(stderr).not.toContain('feature-server')
})

test('gives Vault a certificate in production, and leaves one of the operator’s alone', {
  timeout: 20_000,
}, async () => {
  await prepare('production')
  const vault = new X509Certificate(await secret('vault-tls/tls.crt'))
  expect(vault.verify(new X509Certificate(await secret('tls/ca.crt')).publicKey)).toBe(true)
  expect(vault.subjectAltName).toBe('DNS:vault, DNS:localhost, IP Address:127.0.0.1')
  expect(await secret('vault-tls/ca.crt')).toBe(await secret('tls/ca.crt'))
  const { stdout } = await prepare('--renew-certificates')
  expect(stdout).toContain('signed secrets/vault-tls/tls.crt')
  for (const name of ['ca.crt', 'tls.crt', 'tls.key'])
    await write(`secrets/vault-tls/${name}`, 'somebody else’s')
  await prepare('--renew-certificates')
  expect(await secret('vault-tls/tls.key')).toBe('somebody else’s')
})

test('says what a folder in the place of a secret comes from', async () => {
  await mkdir(join(folder, 'secrets/reader_key'), { recursive: true })
  const { code, stderr } = await prepare()
  expect(code).toBe(1)
  expect(stderr).toContain('secrets/reader_key is a folder: Docker makes one when the stack starts')
})

test('mends modes, and leaves folders in secrets/ to their owner', async () => {
  await prepare()
  await mkdir(join(folder, 'secrets/vault-tls'), { mode: 0o750 })
  await chmod(join(folder, 'secrets/vault-tls'), 0o750)
  await chmod(join(folder, 'secrets/writer_key'), 0o600)
  await chmod(join(folder, 'secrets'), 0o755)
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toContain('closed secrets/ to everybody else (0700)')
  expect(stdout).toContain('opened secrets/writer_key to the containers that mount it (0444)')
  const modes = ['secrets', 'secrets/writer_key', 'secrets/vault-tls'].map(modeOf)
  expect(await Promise.all(modes)).toEqual(['700', '444', '750'])
})

test('takes the Slack address from the environment, once', async () => {
  await run([], { SLACK_WEBHOOK_URL: 'https://hooks.example/a' })
  expect(await secret('slack_webhook_url')).toBe('https://hooks.example/a')
  const { stdout } = await run([], { SLACK_WEBHOOK_URL: 'https://hooks.example/b' })
  expect(stdout).toContain('remove the file to take the variable')
  expect(await secret('slack_webhook_url')).toBe('https://hooks.example/a')
})

test('refuses a line that is no variable, and leaves .env as it was', async () => {
  await prepare()
  const before = await read('.env')
  await write('.env.infrastructure', `${INFRASTRUCTURE}export WORSE=1\n`)
  const { code, stderr } = await prepare()
  expect(code).toBe(1)
  expect(stderr).toContain('.env.infrastructure line 5 is not NAME=VALUE: export WORSE=1')
  expect(await read('.env')).toBe(before)
})

test('is done but for the network where Docker does not answer', async () => {
  await write('bin/docker', '#!/bin/sh\necho "Cannot connect" >&2\nexit 1\n', 0o755)
  const { code, stderr } = await prepare()
  expect(code).toBe(3)
  expect(stderr).toContain('Cannot connect')
  expect(await readdir(join(folder, 'secrets/tls'))).toEqual(TLS)
})

test.for([
  { args: ['--help'], code: 0, says: 'usage: scripts/stack/prepare.sh' },
  { args: ['staging'], code: 2, says: 'no profile or option: staging' },
  { args: ['dev', 'demo'], code: 2, says: 'one profile is enough' },
])('answers $args with $code', async ({ args, code, says }) => {
  const ran = await prepare(...args)
  expect(ran.code).toBe(code)
  expect(ran.stdout + ran.stderr).toContain(says)
  expect(await readdir(folder)).not.toContain('.env')
})

test('needs openssl and nothing beyond the base tools, and says so', async () => {
  const tools = 'sh awk cat chmod cmp cp cut date dirname find head mkdir mv rm sed tail'
  for (const tool of tools.split(' ')) await symlink(await find(tool), join(folder, 'bin', tool))
  const only = { PATH: join(folder, 'bin') }
  const without = await run(['demo'], only)
  expect(without.code).toBe(1)
  expect(without.stderr).toContain('openssl is not installed')
  await symlink(await find('openssl'), join(folder, 'bin/openssl'))
  expect(await run(['demo'], only)).toMatchObject({ code: 0, stderr: '' })
})

async function openssl(...args: readonly string[]): Promise<void> {
  await promisify(execFile)('openssl', [...args])
}

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const prepare = (...args: string[]): Promise<Ran> => run(args)

function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const path = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
  return new Promise((resolve) => {
    const child = execFile(
      'sh',
      [join(folder, 'scripts/stack/prepare.sh'), ...args],
      { env: { PATH: path, ...env }, cwd: tmpdir() },
      (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    )
  })
}

async function find(tool: string): Promise<string> {
  for (const place of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(place, tool)
    if ((await stat(file).catch(() => undefined))?.isFile()) return file
  }
  throw new Error(`${tool} is not on PATH`)
}

async function variables(): Promise<string[]> {
  const lines = (await read('.env')).split('\n')
  return lines.filter((line) => line !== '' && !line.startsWith('#'))
}

async function everything(): Promise<Record<string, string>> {
  const entries = await readdir(join(folder, 'secrets'), { recursive: true, withFileTypes: true })
  const secrets = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
  const files = ['.env', ...secrets.toSorted()]
  return Object.fromEntries(await Promise.all(files.map(async (file) => [file, await read(file)])))
}

async function secret(name: string): Promise<string> {
  return (await read(`secrets/${name}`)).trimEnd()
}

async function modeOf(file: string): Promise<string> {
  return ((await stat(join(folder, file))).mode & 0o777).toString(8)
}

function read(file: string): Promise<string> {
  return readFile(join(folder, file), 'utf8')
}

async function write(file: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(join(folder, file, '..'), { recursive: true })
  await writeFile(join(folder, file), text)
  await chmod(join(folder, file), mode)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
