import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bao, startDevelopmentBao } from '../support/openbao.ts'
import { initVault, ROLES, type Role, tokenOf } from './support/init-vault.ts'

const SELF = {
  'auth/token/lookup-self': 'read',
  'auth/token/renew-self': 'update',
  'auth/token/revoke-self': 'update',
}
const LEASES = { 'sys/leases/renew': 'update', 'sys/leases/revoke': 'update' }

/** All that each role may do, by path. What is not here is denied. */
const ALLOWED: Readonly<Record<Role, Readonly<Record<string, string>>>> = {
  trading: {
    ...SELF,
    ...Object.fromEntries(
      [
        'database',
        'redis',
        'minio',
        'jwt',
        'mt5',
        'notifications',
        'fred',
        'twelvedata',
        'twelvedata/g1',
        'twelvedata/g2',
        'llm/anthropic',
        'llm/deepseek',
        'llm/openai',
      ].map((name) => [`secret/data/trading/${name}`, 'read']),
    ),
  },
  airflow: {
    ...SELF,
    'secret/data/airflow': 'read',
    'secret/data/airflow/fernet': 'read',
    'secret/data/airflow/connections': 'read',
    'secret/data/trading/database': 'read',
    'secret/data/trading/redis': 'read',
  },
  'feature-server': {
    ...SELF,
    'secret/data/services/feature-server': 'read',
    'secret/data/trading/redis': 'read',
  },
  materializer: {
    ...SELF,
    ...LEASES,
    'secret/data/services/materializer': 'read',
    'secret/data/trading/redis': 'read',
    'secret/data/trading/twelvedata': 'read',
    'secret/data/trading/twelvedata/g1': 'read',
    'secret/data/trading/twelvedata/g2': 'read',
    'database/creds/materializer': 'read',
  },
  'inference-gateway': {
    ...SELF,
    ...LEASES,
    'secret/data/services/inference-gateway': 'read',
    'secret/data/trading/minio': 'read',
    'database/creds/inference-gateway': 'read',
    'transit/sign/decisions': 'update',
    'transit/verify/decisions': 'update',
  },
  'demo-feed': { ...SELF, 'secret/data/services/demo-feed': 'read' },
  'secrets-broker': {
    ...SELF,
    'secret/data/services/secrets-broker': 'read',
    'secret/data/trading/redis': 'read,update',
    ...Object.fromEntries(
      ['feature-server', 'materializer', 'inference-gateway', 'demo-feed'].flatMap((name) => [
        [`auth/approle/role/${name}/role-id`, 'read'],
        [`auth/approle/role/${name}/secret-id`, 'update'],
      ]),
    ),
    'auth/approle/role/secrets-broker/secret-id': 'update',
    'auth/approle/role/secrets-broker/secret-id/lookup': 'update',
    'auth/approle/role/secrets-broker/secret-id-accessor/destroy': 'update',
  },
}

/** Asked of nobody, and denied to all. */
const FOR_NOBODY = [
  'sys/mounts',
  'sys/auth',
  'sys/policies/acl/trading-policy',
  'sys/audit',
  'sys/seal',
  'sys/leases/lookup',
  'sys/capabilities-self',
  'sys/internal/ui/mounts',
  'sys/tools/random',
  'sys/raw/x',
  'sys/storage/raft/snapshot',
  'auth/token/create',
  'auth/token/lookup',
  'auth/token/revoke',
  'auth/token/accessors',
  'identity/entity',
  'auth/approle/role/trading',
  'auth/approle/role/trading/secret-id',
  'auth/approle/role/airflow/secret-id',
  'auth/approle/role/materializer',
  'auth/approle/role',
  'auth/approle/role/secrets-broker',
  'secret/data/other',
  'secret/data/trading',
  'secret/data/services',
  'secret/data/services/other',
  'secret/data/services/materializer/x',
  'secret/data/airflowx',
  'secret/data/trading-x',
  'secret/config',
  'secret/metadata/trading',
  'secret/metadata/trading/database',
  'secret/metadata/services/materializer',
  'secret/delete/trading/database',
  'secret/destroy/trading/database',
  'secret/undelete/trading/database',
  'database/config/usdcop',
  'database/creds/other',
  'database/roles/materializer',
  'database/rotate-root/usdcop',
  'transit/keys/decisions',
  'transit/export/signing-key/decisions',
  'transit/decrypt/decisions',
  'transit/sign/other',
  'cubbyhole/x',
]

const PATHS = [
  ...new Set([...Object.values(ALLOWED).flatMap((of) => Object.keys(of)), ...FOR_NOBODY]),
].toSorted()

let bao: Bao
const tokens = new Map<Role, string>()
beforeAll(async () => {
  bao = await startDevelopmentBao()
  const { code, output } = await initVault(bao)
  if (code !== 0) throw new Error(output)
  for (const role of ROLES) tokens.set(role, await tokenOf(bao, role))
})
afterAll(() => bao[Symbol.asyncDispose]())

describe.for(ROLES)('the policy of %s', (role) => {
  const token = () => tokens.get(role) ?? ''

  test(`allows what is its own and denies the rest, on ${PATHS.length} paths`, async () => {
    const { body } = await bao.ask('POST', 'sys/capabilities', { token: token(), paths: PATHS })
    const told = Object.fromEntries(PATHS.map((path) => [path, body.data[path].join()]))
    const expected = Object.fromEntries(PATHS.map((path) => [path, ALLOWED[role][path] ?? 'deny']))
    expect(told).toEqual(expected)
  })

  test('is what the server goes by when it is asked for secrets', async () => {
    for (const path of PATHS.filter((one) => one.startsWith('secret/data/'))) {
      await bao.ask('POST', path, { data: { value: 'x' } })
      const { status } = await bao.ask('GET', path, undefined, token())
      expect({ path, status }).toEqual({ path, status: path in ALLOWED[role] ? 200 : 403 })
      const written = await bao.ask('POST', path, { data: { value: 'y' } }, token())
      const mayWrite = ALLOWED[role][path]?.includes('update') === true
      expect({ path, status: written.status }).toEqual({ path, status: mayWrite ? 200 : 403 })
    }
  })
})

test('where an operator has mounted transit, the gateway signs with the key of decisions and nobody else does', async () => {
  const input = Buffer.from('a decision').toString('base64')
  for (const [path, body] of [
    ['sys/mounts/transit', { type: 'transit' }],
    ['transit/keys/decisions', { type: 'ed25519' }],
  ] as const)
    expect((await bao.ask('POST', path, body)).status).toBeLessThan(300)
  for (const role of ROLES) {
    const token = tokens.get(role)
    const signed = await bao.ask('POST', 'transit/sign/decisions', { input }, token)
    const status = role === 'inference-gateway' ? 200 : 403
    expect({ role, status: signed.status }).toEqual({ role, status })
    if (status !== 200) continue
    const { signature } = signed.body.data
    const verified = await bao.ask('POST', 'transit/verify/decisions', { input, signature }, token)
    expect(verified.body.data.valid).toBe(true)
    const path = 'transit/export/signing-key/decisions'
    expect((await bao.ask('GET', path, undefined, token)).status).toBe(403)
  }
})

test('the broker may ask for secret ids that are wrapped, for five minutes at most', async () => {
  const token = tokens.get('secrets-broker') ?? ''
  const path = 'auth/approle/role/materializer/secret-id'
  expect((await bao.ask('POST', path, {}, token)).status).toBe(403)
  for (const [ttl, status] of [
    ['60s', 200],
    ['300s', 200],
    ['301s', 403],
  ] as const) {
    const answer = await fetch(`${bao.address}/v1/${path}`, {
      method: 'POST',
      headers: { 'x-vault-token': token, 'x-vault-wrap-ttl': ttl },
    })
    expect({ ttl, status: answer.status }).toEqual({ ttl, status })
  }
})

test('a service may renew and revoke the leases of its own database users, and no other’s', async () => {
  const token = tokens.get('materializer') ?? ''
  for (const call of ['renew', 'revoke']) {
    const ask = (lease_id: string) => bao.ask('POST', `sys/leases/${call}`, { lease_id }, token)
    expect((await ask('database/creds/inference-gateway/abc')).status).toBe(403)
    expect((await ask('auth/approle/login/abc')).status).toBe(403)
    // There is no such lease, and it is asked: renewing says so, revoking needs not.
    expect([204, 400]).toContain((await ask('database/creds/materializer/abc')).status)
  }
})

test('the token that an operator keeps may begin a root token anew, for ten years, and nothing else', async () => {
  const asked = { policies: ['operator-policy'], no_default_policy: true, ttl: '87600h' }
  const { auth } = (await bao.ask('POST', 'auth/token/create-orphan', asked)).body
  expect(auth).toMatchObject({ policies: ['operator-policy'], lease_duration: 87_600 * 3_600 })
  const allowed: Readonly<Record<string, string>> = {
    ...SELF,
    'sys/generate-root-token/attempt': 'create,delete,read,update',
    'sys/generate-root-token/update': 'create,update',
    // As Vault calls them.
    'sys/generate-root/attempt': 'create,delete,read,sudo,update',
    'sys/generate-root/update': 'create,sudo,update',
    'sys/decode-token': 'create,update',
  }
  const paths = [...new Set([...PATHS, ...Object.keys(allowed)])]
  const { body } = await bao.ask('POST', 'sys/capabilities', { token: auth.client_token, paths })
  const told = Object.fromEntries(
    paths.map((path) => [path, body.data[path].toSorted().join()] as const),
  )
  expect(told).toEqual(Object.fromEntries(paths.map((path) => [path, allowed[path] ?? 'deny'])))
})
