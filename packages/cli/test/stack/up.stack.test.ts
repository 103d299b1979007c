import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { repositoryPath } from '../../src/paths.ts'
import { runCommand } from '../../src/program.ts'
import { PUBLISHED } from '../../src/stack/published.ts'

// A stack of a few small containers, beside the real one: what `usdcop stack` says of it.

const PROJECT = `usdcop-cli-test-${process.pid}`
/** Ours, so it is there, and has Node. */
const IMAGE = `usdcop/materializer:${process.env['USDCOP_VERSION'] ?? '0.1.0'}`
const FOREVER = '"setInterval(() => {}, 1000)"'

const FILES = {
  'docker-compose.yml': `services:
  store:
    image: ${IMAGE}
    restart: unless-stopped
    stop_grace_period: 1s
    command: [node, -e, "console.log('store is open'); setTimeout(() => fs.writeFileSync('/tmp/open', ''), 1500); setInterval(() => {}, 1000)"]
    volumes: [store:/data]
    mem_limit: 128m
    healthcheck: {test: [CMD, test, -f, /tmp/open], interval: 1s, timeout: 1s, retries: 30}
  reader:
    image: ${IMAGE}
    restart: unless-stopped
    stop_grace_period: 1s
    command: [node, -e, ${FOREVER}]
    depends_on: {store: {condition: service_healthy}}
  demo-feed:
    profiles: [demo]
    image: ${IMAGE}
    restart: on-failure
    stop_grace_period: 1s
    command: [node, -e, ${FOREVER}]
volumes: {store: {}}
`,
  'docker-compose.infrastructure.yml': `services:
  migrate:
    image: ${IMAGE}
    command: [node, -e, "console.log('migrated')"]
  nowhere:
    image: usdcop/there-is-no-such-image:1
`,
  'docker-compose.logging.yml': `services:
  broken:
    image: ${IMAGE}
    restart: unless-stopped
    stop_grace_period: 1s
    command: [node, -e, "console.log('broken is open'); setInterval(() => {}, 1000)"]
    healthcheck: {test: [CMD, cat, /tmp/never], interval: 1s, timeout: 1s, retries: 1}
`,
  'docker-compose.mlops.yml': `services:
  looping:
    image: ${IMAGE}
    restart: unless-stopped
    command: [node, -e, "console.error('no database'); process.exit(3)"]
`,
  'images.env': 'STACK_ABSENT=nowhere,broken,looping\n',
  'config/profiles/dev.env': 'LOG_LEVEL=debug\n',
  'config/profiles/demo.env': 'COMPOSE_PROFILES=demo\n',
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-stack-'))
  const ports = await Promise.all(
    PUBLISHED.map(async ({ variable }) => `${variable}=${await freePort()}`),
  )
  const settings = [`COMPOSE_PROJECT_NAME=${PROJECT}`, 'COMPOSE_PROFILES=', 'CLOCK_WALL_START=']
  const files = { ...FILES, '.env.infrastructure': `${[...settings, ...ports].join('\n')}\n` }
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await writeFile(join(folder, file), content)
  }
  const prepare = 'scripts/stack/prepare.sh'
  await cp(repositoryPath(prepare), join(folder, prepare))
})

afterAll(async () => {
  await stack('down', '--volumes')
  await rm(folder, { recursive: true })
})

test('comes up, is looked at, and is gone again', async () => {
  const up = await stack('up', '--profile', 'demo', '--json')
  expect(up).toMatchObject({ code: 0 })
  expect(JSON.parse(up.stdout)).toMatchObject({ up: true, failures: [] })
  expect(up.stderr).toMatch(/^store: healthy \(\d+ s\)$/m)

  const status = await stack('status', '--json')
  expect(stateOf(JSON.parse(status.stdout))).toEqual({
    'demo-feed': 'running none',
    migrate: 'exited 0 none',
    reader: 'running none',
    store: 'running healthy',
  })
  const [store] = (JSON.parse(status.stdout) as Seen[]).filter(({ service }) => service === 'store')
  expect(store).toMatchObject({ image: IMAGE, restarts: 0, memoryLimitBytes: 128 * 1024 ** 2 })
  expect(store?.memoryBytes).toBeGreaterThan(0)
  expect((await stack('status')).stdout).toMatch(/^store +running +healthy +- +\d+ MiB of 128 MiB/m)

  const logs = await stack('logs', '--tail', '1', 'store')
  expect(logs).toMatchObject({ code: 0, stdout: expect.stringContaining('store is open') })

  expect(await stack('down')).toMatchObject({ code: 0 })
  expect((await stack('status')).stdout).toContain('Nothing is up')
  expect(await volumes()).toEqual([`${PROJECT}_store`])
  expect(await stack('down', '--volumes')).toMatchObject({ code: 0 })
  expect(await volumes()).toEqual([])
})

test('leaves out a service that a profile of its own would start', async () => {
  const without = 'nowhere,broken,looping,demo-feed,reader'
  const up = await stack('up', '--profile', 'demo', '--without', without, '--json')
  expect(up.code).toBe(0)
  const { services } = JSON.parse(up.stdout) as { services: { service: string }[] }
  expect(services.map(({ service }) => service).toSorted()).toEqual(['migrate', 'store'])
  expect((await stack('status')).stdout).not.toContain('demo-feed')
})

test('names the container that is unhealthy, with what it said last', async () => {
  const { code, stderr } = await stack('up', '--without', 'nowhere,looping')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^broken \(.+broken.1\): unhealthy$/m)
  expect(stderr).toMatch(/its last health check said:\n.*\/tmp\/never/)
  expect(stderr).toMatch(/its last log lines:\n +broken is open/)
  expect(stderr).toContain('usdcop: broken failed; what runs is left as it is')
})

test('names the container that ends again and again', async () => {
  const up = await stack('up', '--without', 'nowhere,broken', '--json')
  expect(up.code).toBe(1)
  const { failures } = JSON.parse(up.stdout) as { failures: { service: string; log: string[] }[] }
  expect(failures.map(({ service }) => service)).toEqual(['looping'])
  expect(failures[0]?.log.at(-1)).toBe('no database')
})

test('passes on what Compose says of an image from nowhere', async () => {
  const { code, stderr } = await stack('up', '--without', 'broken,looping')
  expect(code).toBe(1)
  expect(stderr).toContain('there-is-no-such-image')
  expect(stderr).toContain('usdcop: Compose failed')
})

test('starts nothing for a service to leave out that does not exist', async () => {
  const { code, stderr } = await stack('up', '--without', 'grafena')
  expect(code).toBe(1)
  expect(stderr).toContain('there is no service grafena to leave out; there are broken, demo-feed')
})

test('leaves containers as they are when it is interrupted', async () => {
  await stack('down', '--volumes')
  const interrupt = new AbortController()
  const { code, stderr } = await stackUntil(
    (said) => said.includes('store: ') && interrupt.abort(),
    interrupt.signal,
    'up',
  )
  expect(code).toBe(130)
  expect(stderr).toContain('Interrupted: containers stay as they are now.')
  expect(stateOf(JSON.parse((await stack('status', '--json')).stdout))).toHaveProperty('store')
})

interface Seen {
  readonly service: string
  readonly state: string
  readonly health: string
  readonly memoryBytes: number | null
}

function stateOf(seen: readonly Seen[]): Record<string, string> {
  return Object.fromEntries(
    seen.map(({ service, state, health }) => [service, `${state} ${health}`]),
  )
}

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function stack(verb: string, ...args: string[]): Promise<Ran> {
  return stackUntil(() => {}, AbortSignal.timeout(90_000), verb, ...args)
}

async function stackUntil(
  onSaid: (stderr: string) => void,
  signal: AbortSignal,
  verb: string,
  ...args: string[]
): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  let said = ''
  stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
    onSaid(said)
  })
  const out = text(stdout)
  const all = ['stack', verb, '--dir', folder, ...args]
  const code = await runCommand(all, { env: process.env, signal, stdout, stderr })
  stdout.end()
  stderr.end()
  if (!stderr.readableEnded) await once(stderr, 'end')
  return { code, stdout: await out, stderr: said }
}

async function volumes(): Promise<string[]> {
  const filter = `label=com.docker.compose.project=${PROJECT}`
  const { stdout } = await promisify(execFile)('docker', ['volume', 'ls', '-q', '--filter', filter])
  return stdout.split('\n').filter((name) => name !== '')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  server.close()
  return address.port
}
