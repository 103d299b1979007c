import { chmod, mkdir, readdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  everything,
  find,
  folder,
  INFRASTRUCTURE,
  modeOf,
  prepare,
  read,
  run,
  SECRETS,
  SUBNET,
  secret,
  TLS,
  variables,
  write,
} from './prepare-folder.ts'

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

test('makes no new passwords beside data that others protect', async () => {
  await write('volumes', 'usdcop_redis\nusdcop_timescaledb\n')
  const { code, stderr } = await prepare()
  expect(code).toBe(1)
  expect(stderr).toContain('usdcop stack down --volumes')
  expect(await readdir(join(folder, 'secrets'))).toEqual([])
  // What takes the data away reads .env.
  expect(await variables()).toContain('COMPOSE_PROJECT_NAME=usdcop')

  await rm(join(folder, 'volumes'))
  await prepare()
  await write('volumes', 'usdcop_redis\n')
  expect(await prepare()).toMatchObject({ code: 0 })
  expect(await read('docker-calls')).toContain(
    'volume ls -q --filter label=com.docker.compose.project=usdcop',
  )
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
