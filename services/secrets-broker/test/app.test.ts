import { createKeyring } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import { Secret } from '@usdcop/vault/secret'
import type { SecretAnswer } from '@usdcop/vault/secret-reader'
import { expect, onTestFinished, test } from 'vitest'
import { HOSTILE_PATHS, ODD_PATHS } from '../../../packages/vault/test/traversal-corpus.ts'
import { ask } from './ask.ts'
import {
  bearer,
  fakeIssuer,
  fakeSecrets,
  logLines,
  NO_LIMITS,
  TOKENS,
  testBroker,
} from './test-broker.ts'

const alpha = bearer(TOKENS.alpha)
const beta = bearer(TOKENS.beta)

test('gives a caller its own role id and a wrapping token, and never keeps the answer', async () => {
  const { app } = testBroker()
  const answer = await app.inject({ method: 'POST', url: '/v1/identity', headers: beta })
  expect(answer.statusCode).toBe(201)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.json()).toEqual({
    roleId: 'id-of-beta-role',
    wrappingToken: 'wrapped-for-beta-role',
    creationPath: 'auth/approle/role/beta-role/secret-id',
    wrapTtlSeconds: 60,
    secretIdTtlSeconds: 120,
  })
})

test('lets no body choose a role', async () => {
  const issuer = fakeIssuer()
  const { app } = testBroker({ issuer })
  const ask = (payload: object) =>
    app.inject({ method: 'POST', url: '/v1/identity', headers: beta, payload })
  expect((await ask({})).statusCode).toBe(201)
  expect((await ask({ role: 'alpha-role' })).json().error.code).toBe('invalid_request')
  expect((await ask({ role: 'x'.repeat(2_000) })).json().error.code).toBe('payload_too_large')
  expect(issuer.issued).toEqual(['beta-role'])
})

test.for([
  { name: 'nothing to show', headers: {}, code: 'unauthenticated' },
  { name: 'a wrong token', headers: bearer('wrong'), code: 'unauthenticated' },
  { name: 'an operator’s key', headers: bearer(TOKENS.admin), code: 'unauthenticated' },
  { name: 'another scheme', headers: { authorization: 'Basic x' }, code: 'unauthenticated' },
  { name: 'another Host', headers: { ...beta, host: 'evil.example' }, code: 'host_refused' },
  {
    name: 'another Origin',
    headers: { ...beta, origin: 'https://evil.example' },
    code: 'host_refused',
  },
  ...['X-Forwarded-For', 'x-forwarded-host', 'Forwarded', 'Via', 'X-Real-IP'].map((header) => ({
    name: `the header ${header}`,
    headers: { ...beta, [header]: '127.0.0.1' },
    code: 'host_refused',
  })),
] as const)('refuses $name, and tells who and why in the audit log', async ({ headers, code }) => {
  const issuer = fakeIssuer()
  const { app, lines } = testBroker({ issuer })
  const answer = await app.inject({ method: 'POST', url: '/v1/identity', headers })
  expect([answer.statusCode, answer.json().error.code]).toEqual([
    code === 'host_refused' ? 403 : 401,
    code,
  ])
  expect(issuer.issued).toEqual([])
  expect(lines.audits()).toMatchObject([{ caller: 'unknown', way: 'none', outcome: code }])
})

test('answers under each name that it was given', async () => {
  const { app } = testBroker()
  for (const host of ['127.0.0.1:8210', 'localhost', 'broker:8210', '[::1]:8210'])
    expect(
      (await app.inject({ method: 'POST', url: '/v1/identity', headers: { ...beta, host } }))
        .statusCode,
    ).toBe(201)
})

test('reads a caller’s secret under its own name, with what the cache did', async () => {
  const { app, lines } = testBroker()
  const answer = await app.inject({ url: '/v1/secrets/trading/redis', headers: alpha })
  expect(answer.json()).toEqual({
    path: 'trading/redis',
    version: 3,
    source: 'vault',
    fields: { value: 'alpha:trading/redis' },
  })
  expect([
    answer.headers['x-cache'],
    answer.headers['age'],
    answer.headers['cache-control'],
  ]).toEqual(['MISS', '0', 'no-store'])
  expect(lines.audits()).toMatchObject([
    {
      caller: 'alpha',
      way: 'bearer',
      action: 'secret.read',
      outcome: 'ok',
      about: { path: 'trading/redis', source: 'vault', version: 3 },
    },
  ])
  expect(lines.texts.join('')).not.toContain('alpha:trading')
})

test('says of a kept answer where it came from each time, and what it holds by then', async () => {
  const secrets = fakeSecrets()
  const [first, second] = ['old', 'new'].map((text) => new Map([['value', new Secret(text)]]))
  const answers = [
    { fields: first, version: 1, source: 'vault' },
    { fields: first, version: 1, source: 'cache' },
    { fields: first, version: 1, source: 'cache' },
    { fields: first, version: 1, source: 'stale' },
    { fields: second, version: 2, source: 'cache' },
  ] as { fields: Map<string, Secret>; version: number; source: SecretAnswer['source'] }[]
  const left = [...answers]
  secrets.kept = () => {
    const next = left.shift()
    return next === undefined ? undefined : { ...next, ageMs: 0 }
  }
  const { app } = testBroker({ secrets })
  for (const { fields, version, source } of answers) {
    const answer = await app.inject({ url: '/v1/secrets/trading/redis', headers: alpha })
    expect(answer.json()).toEqual({
      path: 'trading/redis',
      version,
      source,
      fields: { value: fields.get('value')?.reveal() },
    })
  }
})

test('reads no secret for a caller whose configuration does not say so', async () => {
  const { app } = testBroker()
  const answer = await app.inject({ url: '/v1/secrets/trading/redis', headers: beta })
  expect(answer.json().error.code).toBe('forbidden')
})

test.for([
  ['denied', 403, 'secret_denied'],
  ['sealed', 503, 'vault_sealed'],
  ['a?versoin=1', 400, 'invalid_request'],
  ['a?version=0', 400, 'invalid_request'],
  ['a?fresh=perhaps', 400, 'invalid_request'],
] as const)('answers %s with %i %s', async ([path, status, code]) => {
  const { app } = testBroker()
  const answer = await app.inject({ url: `/v1/secrets/${path}`, headers: alpha })
  expect([answer.statusCode, answer.json().error.code]).toEqual([status, code])
})

test(`asks for none of ${HOSTILE_PATHS.length} hostile paths, and for every odd one as it stands`, async () => {
  const asked: string[] = []
  const secrets = fakeSecrets()
  const read: typeof secrets.read = (caller, request, signal) => {
    asked.push(request.path)
    return secrets.read(caller, request, signal)
  }
  const { app } = testBroker({ secrets: { ...secrets, read } })
  expect(HOSTILE_PATHS.length).toBeGreaterThanOrEqual(300)
  for (const path of HOSTILE_PATHS) {
    const url = `/v1/secrets/${encodeURIComponent(path.toWellFormed())}`
    const { statusCode } = await app.inject({ url, headers: alpha })
    expect([400, 404, 414]).toContain(statusCode)
  }
  expect(asked).toEqual([])
  for (const path of ODD_PATHS) {
    const answer = await app.inject({ url: `/v1/secrets/${path}`, headers: alpha })
    expect([path, answer.statusCode]).toEqual([path, 200])
  }
  expect(asked).toEqual(ODD_PATHS)
})

test('keeps a field of any name as it is', async () => {
  const secrets = fakeSecrets()
  const { fields } = await secrets.read(
    { name: 'alpha', role: 'r', cidrs: [], secrets: true },
    { mount: 'secret', path: 'a' },
    new AbortController().signal,
  )
  const odd = new Map([...fields].map(([, value]) => ['__proto__', value]))
  const read: typeof secrets.read = async () => ({
    fields: odd,
    version: 1,
    source: 'cache',
    ageMs: 7_900,
  })
  const { app } = testBroker({ secrets: { ...secrets, read } })
  const answer = await app.inject({ url: '/v1/secrets/a', headers: alpha })
  expect(answer.body).toContain('"fields":{"__proto__":"alpha:a"}')
  expect([answer.headers['x-cache'], answer.headers['age']]).toEqual(['HIT', '7'])
})

test.for(['plain', 'naïve €, 🔑'])(
  'sends a kept value as it is, and tells its bytes: %s',
  async (text) => {
    const secrets = fakeSecrets()
    const kept: typeof secrets.kept = () => ({
      fields: new Map([['value', new Secret(text)]]),
      version: 4,
      source: 'cache',
      ageMs: 1_000,
    })
    const { app, lines } = testBroker({ secrets: { ...secrets, kept } })
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    onTestFinished(() => app.close())
    const answer = await ask(address, '/v1/secrets/a', { headers: alpha })
    expect(answer.body).toEqual({ path: 'a', version: 4, source: 'cache', fields: { value: text } })
    expect(answer.headers).toMatchObject({
      'content-length': String(Buffer.byteLength(answer.text)),
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-cache': 'HIT',
      age: '1',
    })
    expect(lines.audits()).toMatchObject([
      { outcome: 'ok', about: { source: 'cache', version: 4 } },
    ])
    const head = await app.inject({ method: 'HEAD', url: '/v1/secrets/a', headers: alpha })
    expect([head.statusCode, head.body]).toEqual([200, ''])
    expect(lines.audits()).toHaveLength(2)
  },
)

test('limits each caller by itself, and guesses apart from all of them', async () => {
  let now = 0
  const limits = { ...NO_LIMITS, requests: { burst: 2, perSecond: 0.5 } }
  const { app } = testBroker({ limits, now: () => now })
  const ask = async (headers: Record<string, string>) => {
    const answer = await app.inject({ method: 'POST', url: '/v1/identity', headers })
    return [answer.statusCode, answer.headers['retry-after']]
  }
  expect(await ask(alpha)).toEqual([201, undefined])
  expect(await ask(alpha)).toEqual([201, undefined])
  expect(await ask(alpha)).toEqual([429, '2'])
  expect(await ask(bearer('guess'))).toEqual([401, undefined])
  expect(await ask(bearer('guess'))).toEqual([401, undefined])
  expect(await ask(bearer('guess'))).toEqual([429, '2'])
  expect(await ask(beta)).toEqual([201, undefined])
  now = 2_000
  expect(await ask(alpha)).toEqual([201, undefined])
  expect(await ask(alpha)).toEqual([429, '2'])
})

test('limits secret ids apart from reads', async () => {
  const limits = { ...NO_LIMITS, identities: { burst: 1, perSecond: 1 / 60 } }
  const { app } = testBroker({ limits, now: () => 0 })
  const issue = () => app.inject({ method: 'POST', url: '/v1/identity', headers: alpha })
  expect((await issue()).statusCode).toBe(201)
  expect((await issue()).headers['retry-after']).toBe('60')
  expect((await app.inject({ url: '/v1/secrets/a', headers: alpha })).statusCode).toBe(200)
})

test.for([
  ['active', 200],
  ['standby', 200],
  ['sealed', 503],
  ['uninitialised', 503],
  ['unreachable', 503],
  ['standby_unreachable', 503],
] as const)('says that Vault is %s, and is ready or not', async ([state, status]) => {
  const { app } = testBroker({ server: { health: async () => state } })
  const answer = await app.inject('/readyz')
  expect([answer.statusCode, answer.json()]).toEqual([
    status,
    {
      ready: status === 200,
      checks: { vault: status === 200, identity: true },
      states: { vault: state, identity: 'held' },
    },
  ])
  expect((await app.inject('/livez')).statusCode).toBe(200)
})

test('is not ready without a token of its own, or where Vault does not answer in time', async () => {
  const health = async () => {
    throw new ServiceError('deadline_exceeded', 'late')
  }
  const { app } = testBroker({ server: { health }, identity: { tokenMsLeft: () => 0 } })
  const answer = await app.inject('/readyz')
  expect([answer.statusCode, answer.json().states]).toEqual([
    503,
    { vault: 'unreachable', identity: 'none' },
  ])
})

test('tells its metrics to operators alone where it is bound beyond loopback', async () => {
  const { app } = testBroker({ bindHost: '0.0.0.0' })
  const metrics = (headers: Record<string, string>) => app.inject({ url: '/metrics', headers })
  expect((await metrics({})).statusCode).toBe(401)
  expect((await metrics(alpha)).statusCode).toBe(401)
  expect((await metrics(bearer('token-of-scraper'))).statusCode).toBe(200)
})

test('counts requests by caller, action and outcome, from closed sets', async () => {
  const { app, registry } = testBroker()
  await app.inject({ method: 'POST', url: '/v1/identity', headers: alpha })
  await app.inject({ url: '/v1/secrets/denied', headers: alpha })
  await app.inject({ url: '/v1/secrets/a', headers: bearer('made-up-name') })
  const text = await registry.metrics()
  const count = (labels: string) =>
    new RegExp(`usdcop_secrets_broker_requests_total\\{${labels},.*\\} 1`).test(text)
  expect(count('caller="alpha",action="identity.issue",outcome="ok"')).toBe(true)
  expect(count('caller="alpha",action="secret.read",outcome="secret_denied"')).toBe(true)
  expect(count('caller="unknown",action="none",outcome="unauthenticated"')).toBe(true)
  expect(text).not.toContain('made-up')
})

test('writes its audit log whatever the level of the rest', async () => {
  const lines = logLines('fatal')
  const { app } = testBroker({ lines })
  await app.inject({ method: 'POST', url: '/v1/identity', headers: alpha })
  expect(lines.parsed()).toHaveLength(1)
  expect(lines.audits()).toMatchObject([
    { audit: true, caller: 'alpha', action: 'identity.issue', about: { role: 'alpha-role' } },
  ])
})

test('operators list, rotate, revoke and restore callers, and flush, with an admin’s key alone', async () => {
  const calls: string[] = []
  const secrets = fakeSecrets()
  const { app, admin, lines } = testBroker({
    secrets: {
      ...secrets,
      rotate: async ({ name }) => void calls.push(`rotate ${name}`),
      flush: (caller) => void calls.push(`flush ${caller?.name ?? 'all'}`),
    },
  })
  const headers = bearer(TOKENS.admin)
  const ask = async (method: 'GET' | 'POST' | 'DELETE', url: string, as: object = headers) =>
    (await admin.inject({ method, url, headers: { ...as } })).statusCode
  expect(await ask('POST', '/v1/callers/alpha/revocation', {})).toBe(401)
  expect(await ask('POST', '/v1/callers/alpha/revocation', alpha)).toBe(401)
  expect(await ask('POST', '/v1/callers/alpha/revocation', bearer('token-of-scraper'))).toBe(403)
  expect(await ask('POST', '/v1/callers/gamma/revocation')).toBe(404)
  expect(await ask('GET', '/v1/callers', { ...headers, host: 'broker' })).toBe(403)
  expect(await ask('POST', '/v1/callers/alpha/rotation')).toBe(204)
  expect(await ask('DELETE', '/v1/cache')).toBe(204)
  expect(await ask('DELETE', '/v1/cache?caller=beta')).toBe(204)
  expect(calls).toEqual(['rotate alpha', 'flush all', 'flush beta'])

  const issue = () => app.inject({ method: 'POST', url: '/v1/identity', headers: alpha })
  expect(await ask('POST', '/v1/callers/alpha/revocation')).toBe(204)
  expect((await issue()).json().error.code).toBe('forbidden')
  const listed = await admin.inject({ url: '/v1/callers', headers })
  expect(listed.json().callers).toEqual([
    { name: 'alpha', role: 'alpha-role', secrets: true, revoked: true, tokenSecondsLeft: 60 },
    { name: 'beta', role: 'beta-role', secrets: false, revoked: false, tokenSecondsLeft: null },
  ])
  expect(await ask('DELETE', '/v1/callers/alpha/revocation')).toBe(204)
  expect((await issue()).statusCode).toBe(201)
  expect(lines.audits()).toContainEqual(
    expect.objectContaining({
      caller: 'operator',
      action: 'caller.revoke',
      outcome: 'ok',
      about: { caller: 'alpha' },
    }),
  )
  // What operators do is not among what callers can ask for.
  expect((await app.inject({ url: '/v1/callers', headers })).statusCode).toBe(404)
})

test('a caller that is revoked while Vault is asked for it gets nothing', async () => {
  const secrets = fakeSecrets()
  const issuer = fakeIssuer()
  const { app } = testBroker({
    secrets,
    issuer: {
      ...issuer,
      async issue(caller, signal) {
        await secrets.revoke(caller)
        return issuer.issue(caller, signal)
      },
    },
  })
  const answer = await app.inject({ method: 'POST', url: '/v1/identity', headers: alpha })
  expect(answer.json().error.code).toBe('forbidden')
  expect(answer.body).not.toContain('wrapped')
})

test('the admin listener answers nobody where no key is known', async () => {
  const { admin } = testBroker({ keyring: createKeyring([]) })
  const answer = await admin.inject({ url: '/v1/callers', headers: bearer(TOKENS.admin) })
  expect(answer.statusCode).toBe(401)
})
