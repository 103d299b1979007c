import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { digestOf } from '@usdcop/service/auth'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type Bao, startDevelopmentBao } from '../../../../tests/support/openbao.ts'
import { ask } from '../ask.ts'
import { brokerCredential, callersText, prepareVault } from '../prepared-vault.ts'
import { bearer, TOKENS } from '../test-broker.ts'
import { hashOf, type RotatedRedis, startRotatedRedis } from './rotated-redis.ts'
import { startTrappedProxy, type TrappedProxy } from './trapped-proxy.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const slow = { timeout: 30_000, interval: 50 }

let bao: Bao
let redis: RotatedRedis
let toVault: TrappedProxy
let toRedis: TrappedProxy
let folder: string
let env: NodeJS.ProcessEnv
beforeAll(async () => {
  bao = await startDevelopmentBao()
  await prepareVault(bao)
  redis = await startRotatedRedis(bao)
  const { hostname, port } = new URL(bao.address)
  toVault = await startTrappedProxy({ host: hostname, port: Number(port) })
  toRedis = await startTrappedProxy(redis.node)
  folder = await mkdtemp(join(tmpdir(), 'usdcop-killed-'))
  const { roleId, secretId } = await brokerCredential(bao)
  await writeFile(join(folder, 'secret-id'), secretId.reveal(), { mode: 0o600 })
  await writeFile(join(folder, 'callers.json'), callersText)
  env = {
    PATH: process.env['PATH'],
    PORT: '0',
    ADMIN_PORT: '0',
    API_KEYS: `operator:admin:${digestOf(TOKENS.admin)}`,
    CALLERS_FILE: join(folder, 'callers.json'),
    VAULT_ADDR: `http://127.0.0.1:${toVault.port}`,
    VAULT_ROLE_ID: roleId,
    VAULT_SECRET_ID_FILE: join(folder, 'secret-id'),
    REDIS_ROTATION_URL: `redis://127.0.0.1:${toRedis.port}`,
    REDIS_ROTATION_PERIOD: '0',
    REDIS_ROTATION_GRACE: '1',
  }
})
afterAll(async () => {
  for (const one of [toVault, toRedis, redis, bao]) await one[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** The broker as a process, once it has looked at Redis. */
async function startBroker() {
  const looked = savesSeen()
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  onTestFinished(kill)
  const lines: string[] = []
  const admin = await adminAddressOf(child, lines)
  await expect.poll(savesSeen, slow).toBeGreaterThan(looked)
  return { child, admin, kill, lines }
}

const savesSeen = () => toRedis.seen.filter((text) => text.includes('SAVE')).length

async function adminAddressOf(child: ChildProcess, lines: string[]): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>()
  createInterface({ input: child.stdout ?? process.stdin }).on('line', (line) => {
    lines.push(line)
    const { adminAddress } = JSON.parse(line) as Record<string, string>
    if (adminAddress !== undefined) resolve(adminAddress)
  })
  return promise
}

const rotate = (admin: string) =>
  ask(admin, '/v1/rotations/redis', { method: 'POST', headers: bearer(TOKENS.admin) })

/** Signs in with Vault’s password again and again, over new connections; a password that was replaced meanwhile says nothing. */
function probe() {
  const refused: string[] = []
  let count = 0
  let ending = false
  const running = (async () => {
    while (!ending) {
      const { password, version } = await redis.secret()
      const said = await redis.signIn(password)
      count += 1
      if (said !== 'PONG' && (await redis.secret()).version === version) refused.push(said)
    }
  })()
  return {
    async end() {
      ending = true
      await running
      return { refused, count }
    },
  }
}

const ADD = /SETUSER[^]*#/
const REMOVE = /SETUSER[^]*!/
const SAVE = /SAVE/
const WRITE = /^POST \/v1\/secret\/data\/trading\/redis/
const STEPS = [
  ['the new password is added', 'redis', ADD, 1],
  ['it is saved', 'redis', SAVE, 1],
  ['it is written to Vault', 'vault', WRITE, 1],
  ['the old one is removed', 'redis', REMOVE, 1],
  ['that is saved', 'redis', SAVE, 2],
] as const

test.for(
  STEPS.flatMap(([step, where, request, nth]) =>
    (['before', 'after'] as const).map((when) => ({ when, step, where, request, nth })),
  ),
)(
  'killed $when $step: Vault’s password is accepted at each instant, and the next start mends it',
  {
    timeout: 60_000,
  },
  async ({ when, where, request, nth }) => {
    const { admin, child, kill } = await startBroker()
    const prober = probe()
    const proxy = where === 'redis' ? toRedis : toVault
    const sprung = Promise.withResolvers<void>()
    proxy.set({
      request,
      nth,
      when,
      sprung() {
        child.kill('SIGKILL')
        sprung.resolve()
      },
    })
    // Nobody answers where it is killed before its own answer.
    void rotate(admin).catch(() => {})
    await sprung.promise
    await kill()
    proxy.set(undefined)

    const next = await startBroker()
    await expect
      .poll(async () => redis.accepted(), slow)
      .toEqual([hashOf((await redis.secret()).password)])
    await expect
      .poll(async () => redis.onDisk(), slow)
      .toEqual([hashOf((await redis.secret()).password)])
    const { version } = await redis.secret()
    const again = await rotate(next.admin)
    expect([again.status, again.body]).toEqual([
      200,
      { secret: 'trading/redis', version: version + 1, passwordsAccepted: 2 },
    ])
    const { refused, count } = await prober.end()
    expect(refused).toEqual([])
    expect(count).toBeGreaterThan(20)
  },
)

test('an operator’s rotation stands in the audit log and the metrics, and no password anywhere', async () => {
  const { admin, lines, child } = await startBroker()
  const { password } = await redis.secret()
  const answer = await rotate(admin)
  expect(answer.status).toBe(200)
  const { password: next } = await redis.secret()
  await expect
    .poll(() => lines.filter((line) => line.includes('redis.reconcile')), slow)
    .not.toEqual([])
  child.kill('SIGTERM')
  expect((await once(child, 'exit'))[0]).toBe(0)
  const audits = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(audits.find(({ action }) => action === 'redis.rotate')).toMatchObject({
    audit: true,
    caller: 'operator',
    outcome: 'ok',
    about: { secret: 'trading/redis', version: answer.body.version },
  })
  expect(audits.find(({ action }) => action === 'redis.reconcile')).toMatchObject({
    caller: 'secrets-broker',
    outcome: 'ok',
  })
  for (const text of [...lines, answer.text]) {
    for (const value of [password, next, hashOf(password), hashOf(next)])
      expect(text).not.toContain(value)
    expect(text).not.toContain('marker')
  }
})
