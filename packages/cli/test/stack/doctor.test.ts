import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { type Check, describeChecks } from '../../src/stack/doctor/check.ts'
import {
  judgeEnvironment,
  judgeImages,
  judgeNetwork,
  judgeSecrets,
  judgeVaultTls,
} from '../../src/stack/doctor/files.ts'
import {
  judgeCompose,
  judgeDisk,
  judgeEngine,
  judgeLimits,
  judgeMemory,
  judgePorts,
} from '../../src/stack/doctor/machine.ts'
import { containerOn, listenersOn, portUses } from '../../src/stack/doctor/ports.ts'
import { captured } from './captured.ts'

const GIB = 1024 ** 3

test.for<{ of: string; check: Check; verdict: Check['verdict']; says: string; fix?: string }>([
  {
    of: 'the engine',
    check: judgeEngine({ version: '20.10.24+dfsg1' }),
    verdict: 'ok',
    says: '20.10.24',
  },
  {
    of: 'an old engine',
    check: judgeEngine({ version: '19.03.15' }),
    verdict: 'fail',
    says: '20.10 or newer is needed',
    fix: 'newer Docker',
  },
  {
    of: 'an engine that is down',
    check: judgeEngine({
      fault: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.',
    }),
    verdict: 'fail',
    says: 'Cannot connect',
    fix: 'start the engine',
  },
  {
    of: 'an engine that is closed to us',
    check: judgeEngine({ fault: 'permission denied while trying to connect to the Docker daemon' }),
    verdict: 'fail',
    says: 'permission denied',
    fix: 'join the group',
  },
  {
    of: 'no docker',
    check: judgeEngine({ fault: 'docker is not installed, or not on PATH' }),
    verdict: 'fail',
    says: 'not installed',
    fix: 'install Docker',
  },
  { of: 'the last Compose 1', check: judgeCompose('1.29.2'), verdict: 'ok', says: '1.29.2' },
  { of: 'a new Compose', check: judgeCompose('5.6.0'), verdict: 'ok', says: '5.6.0' },
  {
    of: 'an early Compose 2',
    check: judgeCompose('2.2.3'),
    verdict: 'warn',
    says: 'old',
    fix: 'update',
  },
  {
    of: 'an old Compose',
    check: judgeCompose('1.25.0'),
    verdict: 'fail',
    says: 'no profiles',
    fix: 'newer',
  },
  {
    of: 'a Compose of unknown age',
    check: judgeCompose('dev'),
    verdict: 'warn',
    says: 'itself dev',
  },
  {
    of: 'no Compose',
    check: judgeCompose(undefined),
    verdict: 'fail',
    says: 'neither',
    fix: 'USDCOP_COMPOSE',
  },
  { of: 'enough memory', check: memory(16, 9), verdict: 'ok', says: '9.0 GiB available' },
  {
    of: 'little memory left',
    check: memory(16, 5),
    verdict: 'warn',
    says: 'about 6 GiB',
    fix: '--without',
  },
  {
    of: 'little memory beside the stack',
    check: memory(8, 2, true),
    verdict: 'ok',
    says: 'running stack',
  },
  {
    of: 'too little memory',
    check: memory(3, 3),
    verdict: 'fail',
    says: '3.0 GiB in all',
    fix: 'more memory',
  },
  { of: 'much disk', check: disk(40), verdict: 'ok', says: '40.0 GiB free in /d' },
  { of: 'little disk', check: disk(9), verdict: 'warn', says: '10 GiB', fix: 'docker system df' },
  { of: 'no disk', check: disk(1), verdict: 'fail', says: '1.0 GiB', fix: 'make room' },
  { of: 'limits', check: limits(true), verdict: 'ok', says: 'are enforced' },
  {
    of: 'a limit that is not',
    check: limits(false),
    verdict: 'warn',
    says: 'no limit of: memory',
    fix: 'cgroup',
  },
  { of: 'the network', check: judgeNetwork('net', true), verdict: 'ok', says: 'net' },
  {
    of: 'no network',
    check: judgeNetwork('net', false),
    verdict: 'fail',
    says: 'net does not',
    fix: 'prepare.sh',
  },
  { of: 'the TLS of Vault', check: judgeVaultTls('./t', []), verdict: 'ok', says: './t' },
  {
    of: 'a key that is not',
    check: judgeVaultTls('./t', ['tls.key']),
    verdict: 'fail',
    says: 'lacks tls.key',
    fix: 'docs/stack.md',
  },
])('judges $of: $verdict', ({ check, verdict, says, fix }) => {
  expect(check.verdict).toBe(verdict)
  expect(check.says).toContain(says)
  expect(check.fix ?? 'nothing').toContain(fix ?? 'nothing')
})

test('holds .env against the files it is made from', () => {
  const given = {
    variables: new Map([
      ['A', '1'],
      ['CLOCK_WALL_START', '2026-01-01T00:00:00Z'],
      ['MINE', 'x'],
    ]),
    expected: new Map([
      ['A', '1'],
      ['CLOCK_WALL_START', ''],
    ]),
    own: new Set<string>(),
    missingSources: [],
  }
  expect(judgeEnvironment(given)).toMatchObject({ verdict: 'ok', says: '3 variables, up to date' })
  const upgraded = new Map([...given.expected, ['A', '2'], ['B', '1']] as const)
  expect(judgeEnvironment({ ...given, expected: upgraded })).toMatchObject({
    verdict: 'warn',
    says: 'lacks B; has another value than its sources for A',
  })
  expect(judgeEnvironment({ ...given, expected: upgraded, own: new Set(['A']) }).says).toBe(
    'lacks B',
  )
  expect(judgeEnvironment({ ...given, variables: undefined }).verdict).toBe('fail')
  expect(judgeEnvironment({ ...given, missingSources: ['images.env'] })).toMatchObject({
    verdict: 'fail',
    says: 'made from images.env, which is not there',
  })
})

test('looks at the modes of secrets', () => {
  const files = [
    { name: 'api_keys', mode: 0o444 },
    { name: 'redis_url', mode: 0o444 },
  ]
  const judge = (folderMode: number | undefined, mode: number | undefined = 0o444) =>
    judgeSecrets({ folderMode, files: [...files, { name: 'reader_key', mode }] })
  expect(judge(0o700)).toMatchObject({ verdict: 'ok', says: '3 files' })
  expect(judge(undefined)).toMatchObject({ verdict: 'fail', says: 'there is no secrets/' })
  expect(judge(0o755)).toMatchObject({ verdict: 'warn' })
  expect(judge(0o700, 0o600)).toMatchObject({
    verdict: 'fail',
    says: 'containers cannot read secrets/reader_key',
  })
  expect(
    judgeSecrets({ folderMode: 0o700, files: [...files, { name: 'reader_key', mode: undefined }] }),
  ).toMatchObject({ verdict: 'fail', says: 'secrets/ lacks reader_key' })
})

test('says where missing images come from, and which come from nowhere', () => {
  const image = { ours: false, here: true, pullable: undefined }
  const redis = { ...image, image: 'redis:8' }
  const loki = { ...image, image: 'loki:3', here: false, pullable: true }
  const ours = { ...image, image: 'usdcop/materializer:1', ours: true, here: false }
  expect(judgeImages([redis])).toMatchObject({ verdict: 'ok', says: '1 here' })
  expect(judgeImages([redis, loki, ours])).toMatchObject({
    verdict: 'warn',
    says: '1 here; `stack up` pulls loki:3; `stack up` builds usdcop/materializer:1',
  })
  expect(judgeImages([redis, { ...loki, pullable: false }])).toMatchObject({
    verdict: 'fail',
    says: 'neither here nor to be pulled: loki:3',
  })
})

test('finds who holds a port', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const store = (await captured('inspect-compose-5.json')).filter(
    ({ service }) => service === 'store',
  )
  const ports: Record<string, number> = { taken: address.port, ours: 18441, theirs: address.port }
  const entry = { variable: 'X_PORT', port: 0, what: '', path: '/', entry: '' }
  const ask = (services: readonly string[], listing = '') =>
    portUses({
      published: services.map((service) => ({ ...entry, service })),
      portOf: ({ service }) => ports[service] ?? 0,
      own: store,
      listing,
    })
  const [taken, ours, free] = await ask(['taken', 'ours', 'free'])
  // Only Linux tells.
  const other = process.platform === 'linux' ? `(pid ${process.pid})` : 'an unknown process'
  expect(taken?.heldBy).toEqual({ other: expect.stringContaining(other) })
  expect([ours?.heldBy, free?.heldBy]).toEqual(['stack', 'nobody'])
  const [theirs] = await ask(['theirs'], `web\t127.0.0.1:${address.port}->80/tcp\n`)
  expect(theirs?.heldBy).toEqual({ other: 'the container web' })
})

test('reads listeners of /proc/net/tcp', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2385 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 395885 1 00000000c98bbfeb 100 0 0 10 0
   1: 0100007F:2385 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 395886 1 00000000c98bbfec 100 0 0 10 0
`
  expect(listenersOn(table, 0x2385)).toEqual(['395885'])
  expect(listenersOn(table, 0x2386)).toEqual([])
})

test('reads ports of docker ps', () => {
  const listing = 'a\t\nb\t0.0.0.0:8090->80/tcp, :::8090->80/tcp\n'
  expect(containerOn(listing, 8090)).toBe('the container b')
  expect(containerOn(listing, 80)).toBeUndefined()
})

test('names each port that is taken, and else counts', () => {
  const use = { service: 'mlflow', variable: 'MLFLOW_PORT', port: 5000 }
  expect(
    judgePorts([
      { ...use, heldBy: 'nobody' },
      { ...use, heldBy: 'stack' },
    ]),
  ).toMatchObject([{ name: 'ports', verdict: 'ok', says: '1 free, 1 held by this stack' }])
  expect(
    judgePorts([
      { ...use, heldBy: 'nobody' },
      { ...use, heldBy: { other: 'node (pid 7)' } },
    ]),
  ).toEqual([
    {
      name: 'port 5000',
      verdict: 'fail',
      says: 'wanted for mlflow, held by node (pid 7)',
      fix: 'end that, or set MLFLOW_PORT=… below "# yours" in .env',
    },
  ])
})

test('puts what to do under what is wrong', () => {
  expect(
    describeChecks([
      { name: 'docker', verdict: 'ok', says: 'engine 28' },
      { name: 'disk', verdict: 'fail', says: 'full', fix: 'make room' },
    ]),
  ).toBe('ok    docker  engine 28\nfail  disk    full\n              → make room\n')
})

function memory(total: number, available: number, stackRuns = false): Check {
  return judgeMemory({ totalBytes: total * GIB, availableBytes: available * GIB, stackRuns })
}

function disk(gib: number): Check {
  return judgeDisk({ path: '/d', freeBytes: gib * GIB })
}

function limits(memoryLimit: boolean): Check {
  return judgeLimits({ memory: memoryLimit, cpu: true, processes: true })
}
