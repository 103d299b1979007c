import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import type { VaultEvent } from '@usdcop/vault/events'
import { createIdentity } from '@usdcop/vault/identity'
import { createIdentityFolder } from '@usdcop/vault/identity-folder'
import { createSecretIdKeeper } from '@usdcop/vault/secret-id-keeper'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { type Bao, startDevelopmentBao } from '../../../tests/support/openbao.ts'
import { BROKER } from '../src/callers.ts'
import { type IdentityDir, liveSecretIds, makeIdentityDir } from './identity-dir.ts'
import { prepareVault } from './prepared-vault.ts'

const ROLE = `auth/approle/role/${BROKER}`
const WRAPPED = `${BROKER}.wrapped-secret-id`

let bao: Bao
let dir: IdentityDir
beforeAll(async () => {
  bao = await startDevelopmentBao()
  await prepareVault(bao)
})
afterAll(() => bao[Symbol.asyncDispose]())
/** A folder of its own for each, and no secret id of another one's. */
beforeEach(async () => {
  dir = await makeIdentityDir()
  for (const secret_id_accessor of await liveSecretIds(bao)) await destroy(secret_id_accessor)
})
afterEach(() => dir[Symbol.asyncDispose]())
const destroy = (secret_id_accessor: string | undefined) =>
  bao.ask('POST', `${ROLE}/secret-id-accessor/destroy`, { secret_id_accessor })

/** The broker's own identity as it runs, under its own policy. */
function runIdentity(lookEveryMs = 50) {
  const events: VaultEvent[] = []
  const observe = (event: VaultEvent) => void events.push(event)
  const server = createVaultServer({ address: bao.address, observe, timeoutMs: 2_000 })
  const folder = createIdentityFolder({ folder: dir.path, role: BROKER })
  const identity = createIdentity(server, { name: BROKER, source: folder.source })
  const keeper = createSecretIdKeeper({ identity, folder, lookEveryMs })
  let ended: Promise<void> | undefined
  const end = async () => {
    await keeper[Symbol.asyncDispose]()
    await identity[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  }
  const endOnce = () => (ended ??= end())
  onTestFinished(endOnce)
  const told = (state: string) =>
    events.filter((event) => event.kind === 'secret_id' && event.state === state).length
  const alerts = () => events.filter(({ kind }) => kind === 'alert').length
  return { identity, keeper, folder, events, told, alerts, end: endOnce }
}

const secretIdOf = async () => (await readFile(dir.at('secret-id'), 'utf8')).trim()
const loginWith = async (secret_id: string) => {
  const role_id = (await readFile(dir.at(`${BROKER}.role-id`), 'utf8')).trim()
  return (await bao.ask('POST', 'auth/approle/login', { role_id, secret_id }, '')).status
}
const within = (ms: number) => AbortSignal.timeout(ms)
const slow = { timeout: 20_000, interval: 50 }

test('takes the wrapped secret id, keeps it for itself alone, and logs in with it after a restart', async () => {
  await dir.issue(bao)
  const first = runIdentity()
  await first.identity.ready(within(10_000))
  expect((await stat(dir.at('secret-id'))).mode & 0o777).toBe(0o600)
  await expect(stat(dir.at(WRAPPED))).rejects.toThrow('ENOENT')
  await expect.poll(() => first.keeper.msLeft()).toBeGreaterThan(86_000_000)
  const kept = await secretIdOf()
  await first.end()

  const second = runIdentity()
  await second.identity.ready(within(10_000))
  expect(await secretIdOf()).toBe(kept)
  await expect.poll(() => second.keeper.msLeft()).toBeGreaterThan(86_000_000)
  expect(await liveSecretIds(bao)).toHaveLength(1)
})

test('rotates at half of its life, bound to the same addresses, while the identity works on', async () => {
  const cidrs = ['127.0.0.0/8']
  await dir.issue(bao, { ttl: '6s', cidr_list: cidrs, token_bound_cidrs: cidrs })
  const { identity, keeper, told } = runIdentity()
  await identity.ready(within(10_000))
  await expect.poll(() => keeper.msLeft()).toBeGreaterThan(0)
  const first = await secretIdOf()
  const used = new Set<string>()
  await expect
    .poll(async () => {
      used.add(await secretIdOf())
      expect(keeper.msLeft()).toBeGreaterThan(1_500)
      return told('rotated')
    }, slow)
    .toBeGreaterThanOrEqual(3)
  await expect.poll(() => liveSecretIds(bao)).toHaveLength(1)
  expect(used.size).toBeGreaterThanOrEqual(3)
  expect(await loginWith(first)).toBe(400)
  const { body } = await bao.ask('POST', `${ROLE}/secret-id/lookup`, {
    secret_id: await secretIdOf(),
  })
  expect(body.data).toMatchObject({ cidr_list: cidrs, token_bound_cidrs: cidrs, secret_id_ttl: 6 })
  expect(await loginWith(await secretIdOf())).toBe(200)
})

test('a wrapping token that somebody else has opened is an alert, and the next one is taken', async () => {
  await dir.issue(bao)
  const stolen = await readFile(dir.at(WRAPPED), 'utf8')
  await bao.ask('POST', 'sys/wrapping/unwrap', {}, stolen)
  const { identity, alerts } = runIdentity()
  await expect(identity.ready(within(10_000))).rejects.toMatchObject({
    code: 'wrapping_token_spent',
  })
  expect(alerts()).toBe(1)
  await expect(stat(dir.at(WRAPPED))).rejects.toThrow('ENOENT')
  await dir.issue(bao)
  await expect.poll(() => identity.tokenMsLeft(), slow).toBeGreaterThan(0)
  expect(alerts()).toBe(1)
})

test('one that was wrapped elsewhere is not opened', async () => {
  await dir.issue(bao)
  const forged = await fetch(`${bao.address}/v1/sys/wrapping/wrap`, {
    method: 'POST',
    headers: { 'x-vault-token': bao.rootToken, 'x-vault-wrap-ttl': '300s' },
    body: JSON.stringify({ secret_id: 'of-somebody-else' }),
  })
  const { wrap_info } = (await forged.json()) as { wrap_info: { token: string } }
  await writeFile(dir.at(WRAPPED), wrap_info.token, { mode: 0o640 })
  const { identity, alerts } = runIdentity()
  await expect(identity.ready(within(10_000))).rejects.toMatchObject({
    code: 'wrapping_token_spent',
  })
  expect(alerts()).toBe(1)
  const unopened = await bao.ask('POST', 'sys/wrapping/lookup', { token: wrap_info.token }, '')
  expect(unopened.status).toBe(200)
})

test('a wrapped one beside a secret id in use is taken at once, without a gap, and the old one ends', async () => {
  await dir.issue(bao)
  const { identity, alerts } = runIdentity()
  await identity.ready(within(10_000))
  const first = await secretIdOf()
  await dir.issue(bao)
  await expect.poll(secretIdOf, slow).not.toBe(first)
  expect(identity.tokenMsLeft()).toBeGreaterThan(0)
  await expect.poll(() => liveSecretIds(bao), slow).toHaveLength(1)
  await expect.poll(() => loginWith(first), slow).toBe(400)
  expect(alerts()).toBe(0)
})

test('a secret id that Vault refuses is deleted; tries go on without locking the role, and the next one is taken', async () => {
  await dir.issue(bao)
  const first = runIdentity()
  await first.identity.ready(within(10_000))
  await first.end()
  const [accessor] = await liveSecretIds(bao)
  await destroy(accessor)

  const { identity, events, alerts } = runIdentity()
  await expect(identity.ready(within(10_000))).rejects.toMatchObject({
    code: 'vault_login_refused',
  })
  await expect(stat(dir.at('secret-id'))).rejects.toThrow('ENOENT')
  await expect
    .poll(() => events.filter((event) => event.kind === 'token' && event.state === 'failed'), slow)
    .toHaveLength(3)
  const logins = events.filter((event) => event.kind === 'request' && event.operation === 'login')
  expect(logins).toHaveLength(1)
  await dir.issue(bao)
  await expect.poll(() => identity.tokenMsLeft(), slow).toBeGreaterThan(0)
  expect(alerts()).toBe(0)
})

/** What each step of a rotation leaves, by name of the file: the first secret id, or its successor. */
const KILLED = [
  ['after Vault’s answer was kept', { 'secret-id': 'old', 'secret-id.next': 'new' }],
  ['before the swap', { 'secret-id': 'old', 'secret-id.next': 'new', 'secret-id.retired': 'old' }],
  ['after the swap', { 'secret-id': 'new', 'secret-id.retired': 'old' }],
] as const

test.for(KILLED)(
  'killed %s, the next start goes on: the successor alone lives',
  async ([, files]) => {
    await dir.issue(bao)
    const first = runIdentity()
    await first.identity.ready(within(10_000))
    await first.end()
    const old = await secretIdOf()
    const { body } = await bao.ask('POST', `${ROLE}/secret-id`)
    const ids = { old, new: body.data.secret_id as string }
    for (const [name, which] of Object.entries(files))
      await writeFile(dir.at(name), ids[which], { mode: 0o600 })
    const { identity, alerts } = runIdentity()
    await identity.ready(within(10_000))
    await expect.poll(() => liveSecretIds(bao), slow).toHaveLength(1)
    expect(await secretIdOf()).toBe(ids.new)
    expect(await Promise.all([loginWith(ids.old), loginWith(ids.new)])).toEqual([400, 200])
    await expect
      .poll(async () => (await readdir(dir.path)).toSorted(), slow)
      .toEqual(['secret-id', `${BROKER}.role-id`])
    expect(alerts()).toBe(0)
  },
)

test('Vault replaced by an empty one and set up again: the identity is back without hands', async () => {
  await dir.issue(bao)
  const { identity, alerts } = runIdentity()
  await identity.ready(within(10_000))
  const first = await secretIdOf()
  await bao.down()
  await bao.up()
  await expect
    .poll(async () => (await bao.ask('GET', 'sys/health', undefined, '')).status, slow)
    .toBe(200)
  await prepareVault(bao)
  await dir.issue(bao)
  await expect.poll(secretIdOf, slow).not.toBe(first)
  const own = { operation: 'lookup', verb: 'read', path: 'auth/token/lookup-self' } as const
  await expect
    .poll(async () => {
      const path = own.path as Parameters<typeof identity.ask>[0]['path']
      return identity.ask({ ...own, path }, within(2_000)).then(
        () => 'answered',
        (error: unknown) => String(error),
      )
    }, slow)
    .toBe('answered')
  await expect.poll(() => liveSecretIds(bao), slow).toHaveLength(1)
  expect(alerts()).toBe(0)
})
