import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
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
import { delimiter, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { repositoryPath } from '../src/paths.ts'

const INFRASTRUCTURE = '# all of them\nCOMPOSE_PROJECT_NAME=usdcop\nLOG_LEVEL=info\nCLOCK_SPEED=\n'
const SECRETS = [
  'api_keys',
  'database_url',
  'gateway_key',
  'grafana_admin_password',
  'grafana_database_password',
  'metrics_key',
  'mlflow_database_password',
  'mlflow_database_url',
  'postgres_password',
  'reader_key',
  'redis_password',
  'redis_url',
  'redis_users.acl',
  'slack_webhook_url',
  'writer_key',
]

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
inspect) [ -f '${folder}/network' ] ;;
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
  ])
  await prepare('production')
  expect(await variables()).toContain('LOG_LEVEL=warn')
})

test('makes every secret, readable in containers and in a folder closed to others', async () => {
  await prepare()
  expect(await readdir(join(folder, 'secrets'))).toEqual(SECRETS)
  expect(await modeOf('secrets')).toBe('700')
  expect(await Promise.all(SECRETS.map((name) => modeOf(`secrets/${name}`)))).toEqual(
    SECRETS.map(() => '444'),
  )
})

test('makes secrets that agree with each other', async () => {
  await prepare()
  const postgres = await secret('postgres_password')
  expect(postgres).toMatch(/^[0-9a-f]{48}$/)
  expect(await secret('database_url')).toBe(`postgres://usdcop:${postgres}@timescaledb:5432/usdcop`)
  const redis = await secret('redis_password')
  expect(await secret('redis_url')).toBe(`redis://default:${redis}@redis:6379/0`)
  expect(await secret('redis_users.acl')).toBe(`user default on >${redis} ~* &* +@all`)
  expect(await secret('mlflow_database_url')).toBe(
    `postgresql+psycopg2://mlflow:${await secret('mlflow_database_password')}@mlflow-db:5432/mlflow`,
  )
  const keys = await Promise.all(
    (
      [
        ['reader', 'reader', 'reader_key'],
        ['writer', 'writer', 'writer_key'],
        ['prometheus', 'reader', 'metrics_key'],
        ['inference-gateway', 'writer', 'gateway_key'],
      ] as const
    ).map(async ([name, role, file]) => `${name}:${role}:${sha256(await secret(file))}`),
  )
  expect(await secret('api_keys')).toBe(keys.join(','))
  const passwords = SECRETS.filter((name) => /_(password|key)$/.test(name))
  expect(new Set(await Promise.all(passwords.map(secret))).size).toBe(passwords.length)
  expect(await secret('slack_webhook_url')).toBe('http://slack-is-not-configured.invalid/')
})

test('changes nothing the second time, and asks for the network once', async () => {
  await prepare('demo')
  const before = await everything()
  const { code, stdout } = await prepare()
  expect(code).toBe(0)
  expect(stdout).toBe(
    'prepare: kept .env (profile demo, images.env)\n' +
      'prepare: kept the network usdcop-trading-network\n',
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
  {
    lost: 'redis_url',
    says: 'has lost redis_url, which belongs to redis_password redis_users.acl',
  },
  { lost: 'postgres_password', says: 'has lost postgres_password, which belongs to database_url' },
  { lost: 'writer_key', says: 'has lost writer_key, which belongs to reader_key' },
])('makes up nothing for a lost $lost', async ({ lost, says }) => {
  await prepare()
  await rm(join(folder, 'secrets', lost))
  const before = await everything()
  const { code, stderr } = await prepare()
  expect(code).toBe(1)
  expect(stderr).toContain(says)
  expect(await everything()).toEqual(before)
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
  expect(await readdir(join(folder, 'secrets'))).toEqual(SECRETS)
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

test('needs neither openssl nor anything beyond the base tools', async () => {
  const tools =
    'sh awk cat chmod cmp cut date dirname find head mkdir mv od rm sed sha256sum tail tr'
  for (const tool of tools.split(' ')) await symlink(await find(tool), join(folder, 'bin', tool))
  const { code, stderr } = await run(['demo'], { PATH: join(folder, 'bin') })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(await secret('writer_key')).toMatch(/^[0-9a-f]{48}$/)
  expect(await secret('api_keys')).toContain(`writer:writer:${sha256(await secret('writer_key'))}`)
})

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
  const files = [
    '.env',
    ...(await readdir(join(folder, 'secrets'))).map((name) => `secrets/${name}`),
  ]
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
