import type { ErrorCode, ServiceError } from '@usdcop/service/errors'
import { type Bao, startDevelopmentBao } from '@usdcop/tests/support/openbao'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueWrappedSecretId, readRoleId } from '../src/approle.ts'
import { deleteSecret, listSecrets, readSecret, writeSecret } from '../src/kv.ts'
import { Secret } from '../src/secret.ts'
import { createSecretReader } from '../src/secret-reader.ts'
import { decrypt, encrypt, sign, verify } from '../src/transit.ts'
import { approle, identityOf, makeRole, must, rootOf, serverOf } from './openbao-setup.ts'
import { HOSTILE_PATHS, ODD_PATHS } from './traversal-corpus.ts'

let bao: Bao
beforeAll(async () => {
  bao = await startDevelopmentBao()
})
afterAll(() => bao[Symbol.asyncDispose]())

const codeOf = (work: Promise<unknown>): Promise<ErrorCode | 'answered'> =>
  work.then(
    () => 'answered' as const,
    (error: unknown) => (error as ServiceError).code,
  )
const READ_OWN = (name: string) => `path "secret/data/${name}/*" { capabilities = ["read"] }`

describe('KV', () => {
  test('writes, reads by version, lists, and tells deleted from absent', async ({ signal }) => {
    const { server } = serverOf(bao)
    const root = rootOf(server, bao)
    const at = { mount: 'secret', path: 'kv/a' }
    expect(await codeOf(readSecret(root, at, signal))).toBe('secret_absent')
    const fields = (text: string) => ({ password: new Secret(text), user: new Secret('u') })
    expect(await writeSecret(root, { ...at, fields: fields('one'), expected: 0 }, signal)).toBe(1)
    expect(await writeSecret(root, { ...at, fields: fields('two'), expected: 1 }, signal)).toBe(2)
    expect(
      await codeOf(writeSecret(root, { ...at, fields: fields('x'), expected: 1 }, signal)),
    ).toBe('conflict')
    const newest = await readSecret(root, at, signal)
    expect([newest.version, newest.fields.get('password')?.reveal(), newest.leaseMs]).toEqual([
      2,
      'two',
      Infinity,
    ])
    const first = await readSecret(root, { ...at, version: 1 }, signal)
    expect([first.version, first.fields.get('password')?.reveal()]).toEqual([1, 'one'])
    expect(await codeOf(readSecret(root, { ...at, version: 9 }, signal))).toBe('secret_absent')
    expect(await listSecrets(root, { mount: 'secret', path: 'kv' }, signal)).toEqual(['a'])
    expect(await listSecrets(root, { mount: 'secret' }, signal)).toContain('kv/')
    expect(await codeOf(listSecrets(root, { mount: 'secret', path: 'nothing' }, signal))).toBe(
      'secret_absent',
    )
    await deleteSecret(root, at, signal)
    expect(await codeOf(readSecret(root, at, signal))).toBe('secret_deleted')
    expect(await writeSecret(root, { ...at, fields: fields('three'), expected: 2 }, signal)).toBe(3)
  })

  test('reads what others wrote as numbers, lists and odd names', async ({ signal }) => {
    const { server } = serverOf(bao)
    const data = { port: 5_432, list: ['a'], nothing: null, ['__proto__']: 'own', constructor: 'c' }
    const text = JSON.stringify(data).replace('{', '{"__proto__":"own",')
    await must(bao, 'POST', 'secret/data/kv/odd', { data: JSON.parse(text) })
    const { fields } = await readSecret(
      rootOf(server, bao),
      { mount: 'secret', path: 'kv/odd' },
      signal,
    )
    expect([fields.get('port')?.reveal(), fields.get('list')?.reveal()]).toEqual(['5432', '["a"]'])
    expect(fields.get('constructor')?.reveal()).toBe('c')
    expect(fields.get('__proto__')?.reveal()).toBe('own')
    expect(Object.getPrototypeOf(fields)).toBe(Map.prototype)
  })
})

describe('AppRole', () => {
  test('reads what its policy allows, and is denied the rest', async ({ signal }) => {
    const role = await makeRole(bao, 'plain', READ_OWN('plain'), { token_ttl: '1h' })
    await must(bao, 'POST', 'secret/data/plain/a', { data: { value: 'mine' } })
    await must(bao, 'POST', 'secret/data/other/a', { data: { value: 'theirs' } })
    const { server, events } = serverOf(bao)
    const secretId = await role.secretId()
    const identity = identityOf(server, 'plain', async () => approle(role.roleId, secretId))
    const { fields } = await readSecret(identity, { mount: 'secret', path: 'plain/a' }, signal)
    expect(fields.get('value')?.reveal()).toBe('mine')
    expect(identity.tokenMsLeft()).toBeGreaterThan(3_590_000)
    for (const path of ['other/a', 'nothing'])
      expect(await codeOf(readSecret(identity, { mount: 'secret', path }, signal))).toBe(
        'secret_denied',
      )
    // A denial by the policy makes nobody log in again.
    const logins = events.filter((event) => event.kind === 'request' && event.operation === 'login')
    expect(logins).toHaveLength(1)
  })

  test('takes a wrapped secret id that is good for one login, once', async ({ signal }) => {
    const role = await makeRole(bao, 'wrapped', READ_OWN('wrapped'), { secret_id_num_uses: 1 })
    await must(bao, 'POST', 'secret/data/wrapped/a', { data: { value: 'mine' } })
    const { server, events } = serverOf(bao)
    const broker = rootOf(server, bao)
    expect(await readRoleId(broker, { role: 'wrapped' }, signal)).toBe(role.roleId)
    const request = {
      role: 'wrapped',
      wrapTtlSeconds: 60,
      ttlSeconds: 120,
      uses: 1,
      cidrs: ['127.0.0.1/32'],
    }
    const { wrappingToken, creationPath, ttlSeconds } = await issueWrappedSecretId(
      broker,
      request,
      signal,
    )
    expect([creationPath, ttlSeconds]).toEqual(['auth/approle/role/wrapped/secret-id', 60])
    const source = async () =>
      ({ kind: 'wrapped', roleId: role.roleId, wrappingToken, creationPath }) as const
    const identity = identityOf(server, 'wrapped', source)
    expect(
      (await readSecret(identity, { mount: 'secret', path: 'wrapped/a' }, signal)).version,
    ).toBe(1)

    const thief = identityOf(server, 'thief', source)
    expect(await codeOf(thief.ready(signal))).toBe('wrapping_token_spent')
    expect(events).toContainEqual({
      kind: 'alert',
      identity: 'thief',
      alert: 'wrapping_token_spent',
    })

    const other = { ...request, role: 'plain' }
    const elsewhere = await issueWrappedSecretId(broker, other, signal)
    const swapped = identityOf(server, 'swapped', async () => ({
      ...(await source()),
      wrappingToken: elsewhere.wrappingToken,
    }))
    await expect(swapped.ready(signal)).rejects.toThrow(
      'was not made at auth/approle/role/wrapped/secret-id',
    )
  })

  test('bound to an address refuses others, and is told so', async ({ signal }) => {
    const role = await makeRole(bao, 'bound', READ_OWN('bound'))
    const { server } = serverOf(bao)
    const elsewhere = await role.secretId({ cidr_list: ['10.9.9.9/32'] })
    const away = identityOf(server, 'away', async () => approle(role.roleId, elsewhere))
    await expect(away.ready(signal)).rejects.toMatchObject({
      code: 'vault_login_refused',
      message: /not from this address/,
    })
    const here = await role.secretId({
      cidr_list: ['127.0.0.1/32'],
      token_bound_cidrs: ['127.0.0.1/32'],
    })
    await identityOf(server, 'here', async () => approle(role.roleId, here)).ready(signal)
  })

  test('with a wrong secret id is refused once, and never locks the role', async ({ signal }) => {
    const role = await makeRole(bao, 'wrong', READ_OWN('wrong'))
    const { server, events } = serverOf(bao)
    const wrong = identityOf(server, 'wrong', async () => approle(role.roleId, 'wrong'))
    for (let attempt = 0; attempt < 10; attempt += 1)
      expect(await codeOf(wrong.ready(signal))).toBe('vault_login_refused')
    const logins = events.filter((event) => event.kind === 'request' && event.operation === 'login')
    expect(logins).toHaveLength(1)
    const right = await role.secretId()
    await identityOf(server, 'right', async () => approle(role.roleId, right)).ready(signal)
  })

  test('logs in anew where its token was revoked, before the caller is told', async ({
    signal,
  }) => {
    const role = await makeRole(bao, 'revoked', READ_OWN('revoked'))
    await must(bao, 'POST', 'secret/data/revoked/a', { data: { value: 'mine' } })
    const { server } = serverOf(bao)
    const secretId = await role.secretId()
    const identity = identityOf(server, 'revoked', async () => approle(role.roleId, secretId))
    await identity.ready(signal)
    await must(bao, 'POST', 'sys/leases/revoke-prefix/auth/approle')
    const { version } = await readSecret(identity, { mount: 'secret', path: 'revoked/a' }, signal)
    expect([version, identity.epoch()]).toEqual([1, 2])
  })

  test('revokes its token when it ends, and not one that was given', async ({ signal }) => {
    const role = await makeRole(bao, 'ending', READ_OWN('ending'))
    const accessors = async () =>
      (await must(bao, 'LIST', 'auth/token/accessors')).data.keys.length as number
    const { server } = serverOf(bao)
    const secretId = await role.secretId()
    const before = await accessors()
    const identity = identityOf(server, 'ending', async () => approle(role.roleId, secretId))
    await identity.ready(signal)
    expect(await accessors()).toBe(before + 1)
    await identity[Symbol.asyncDispose]()
    expect(await accessors()).toBe(before)
    const root = rootOf(server, bao)
    await root.ready(signal)
    await root[Symbol.asyncDispose]()
    expect(await accessors()).toBe(before)
  })

  test.for([
    { name: 'of 3 s, which is replaced', ttl: '3s', max: '6s', tokens: 4, renewed: false },
    {
      name: 'of 15 s, which is renewed and replaced at the end of 20',
      ttl: '15s',
      max: '20s',
      tokens: 2,
      renewed: true,
    },
  ])('keeps a token $name', async ({ ttl, max, tokens, renewed }, { signal }) => {
    const name = `kept-${ttl}`
    const role = await makeRole(bao, name, READ_OWN(name), { token_ttl: ttl, token_max_ttl: max })
    await must(bao, 'POST', `secret/data/${name}/a`, { data: { value: 'mine' } })
    const { server, events } = serverOf(bao)
    const secretId = await role.secretId()
    const identity = identityOf(server, name, async () => approle(role.roleId, secretId))
    await identity.ready(signal)
    const reader = createSecretReader({ identity, ttlMs: 0, maxStaleMs: 0 })
    let reads = 0
    await expect
      .poll(
        async () => {
          await reader.read({ mount: 'secret', path: `${name}/a` }, signal)
          reads += 1
          return identity.epoch()
        },
        { timeout: 40_000, interval: 100 },
      )
      .toBeGreaterThanOrEqual(tokens)
    expect(reads).toBeGreaterThan(50)
    const states = events.flatMap((event) => (event.kind === 'token' ? [event.state] : []))
    expect(states.includes('capped')).toBe(renewed)
    expect(states).not.toContain('lapsed')
    expect(states).not.toContain('failed')
  })
})

test('signs, verifies, encrypts and decrypts with keys that stay in Vault', async ({ signal }) => {
  await must(bao, 'POST', 'sys/mounts/transit', { type: 'transit' })
  await must(bao, 'POST', 'transit/keys/signing', { type: 'ed25519' })
  await must(bao, 'POST', 'transit/keys/sealing', {})
  const { server } = serverOf(bao)
  const root = rootOf(server, bao)
  const signing = { mount: 'transit', key: 'signing' }
  const input = Buffer.from('a decision')
  const signature = await sign(root, signing, input, signal)
  expect(await verify(root, signing, input, signature, signal)).toBe(true)
  expect(await verify(root, signing, Buffer.from('another'), signature, signal)).toBe(false)
  const sealing = { mount: 'transit', key: 'sealing' }
  const ciphertext = await encrypt(root, sealing, Buffer.from([0, 255, 7]), signal)
  expect(ciphertext).toMatch(/^vault:v1:/)
  expect(await decrypt(root, sealing, ciphertext, signal)).toEqual(Buffer.from([0, 255, 7]))
  expect(await codeOf(decrypt(root, sealing, 'vault:v1:AAAA', signal))).toBe('vault_refused')
  expect(await codeOf(encrypt(root, { mount: 'transit', key: '../x' }, input, signal))).toBe(
    'secret_path_invalid',
  )
})

test('no hostile path reaches the server, and no odd one leaves its place: its own audit log says so', async ({
  signal,
}) => {
  const { server } = serverOf(bao)
  const root = rootOf(server, bao)
  await root.ready(signal)
  const before = (await bao.auditLog()).length
  const reader = createSecretReader({ identity: root })
  const field = { a: new Secret('x') }
  for (const path of HOSTILE_PATHS) {
    const asks = [
      () => reader.read({ mount: 'secret', path }, signal),
      () => reader.read({ mount: path, path: 'a' }, signal),
      () => readSecret(root, { mount: 'secret', path, version: 1 }, signal),
      () => writeSecret(root, { mount: 'secret', path, fields: field }, signal),
      () => listSecrets(root, { mount: 'secret', path }, signal),
      () => deleteSecret(root, { mount: 'secret', path }, signal),
      () => sign(root, { mount: 'transit', key: path }, Buffer.from('x'), signal),
    ]
    for (const ask of asks)
      expect({ path, code: await codeOf(ask()) }).toEqual({ path, code: 'secret_path_invalid' })
  }
  expect((await bao.auditLog()).slice(before)).toEqual([])
  for (const path of ODD_PATHS) {
    await writeSecret(root, { mount: 'secret', path: `odd/${path}`, fields: field }, signal)
    await readSecret(root, { mount: 'secret', path: `odd/${path}` }, signal)
  }
  const reached = (await bao.auditLog()).slice(before).map(({ request }) => request.path)
  expect(new Set(reached)).toEqual(new Set(ODD_PATHS.map((path) => `secret/data/odd/${path}`)))
})

test('a change and a withdrawn right are seen within the configured bound', async ({ signal }) => {
  const role = await makeRole(bao, 'bounded', READ_OWN('bounded'))
  await must(bao, 'POST', 'secret/data/bounded/a', { data: { value: 'old' } })
  const { server } = serverOf(bao)
  const secretId = await role.secretId()
  const identity = identityOf(server, 'bounded', async () => approle(role.roleId, secretId))
  const reader = createSecretReader({ identity, ttlMs: 1_000 })
  const value = async () =>
    (await reader.read({ mount: 'secret', path: 'bounded/a' }, signal)).fields
      .get('value')
      ?.reveal()
  expect(await value()).toBe('old')
  await must(bao, 'POST', 'secret/data/bounded/a', { data: { value: 'new' } })
  const changedAt = performance.now()
  await expect.poll(value, { interval: 20, timeout: 5_000 }).toBe('new')
  expect(performance.now() - changedAt).toBeLessThan(1_500)
  await must(bao, 'PUT', 'sys/policies/acl/bounded', {
    policy: 'path "auth/token/lookup-self" { capabilities = ["read"] }',
  })
  const withdrawnAt = performance.now()
  await expect.poll(() => codeOf(value()), { interval: 20, timeout: 5_000 }).toBe('secret_denied')
  expect(performance.now() - withdrawnAt).toBeLessThan(1_500)
})

test('a thousand callers of one secret make one request of the real server', async ({ signal }) => {
  await must(bao, 'POST', 'secret/data/kv/shared', { data: { value: 'x' } })
  const { server } = serverOf(bao)
  const readers = ['first', 'second'].map((name) => {
    const identity = identityOf(server, name, async () => ({
      kind: 'token',
      token: new Secret(bao.rootToken),
    }))
    return createSecretReader({ identity })
  })
  const at = { mount: 'secret', path: 'kv/shared' }
  const before = (await bao.auditLog()).length
  await Promise.all(
    readers.flatMap((reader) => Array.from({ length: 1_000 }, () => reader.read(at, signal))),
  )
  const asked = (await bao.auditLog()).slice(before).filter(({ type }) => type === 'request')
  expect(asked.filter(({ request }) => request.path === 'secret/data/kv/shared')).toHaveLength(2)
})
