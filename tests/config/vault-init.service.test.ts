import { readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { type Bao, startDevelopmentBao, startProductionBao } from '../support/openbao.ts'
import { startPostgres } from '../support/postgres.ts'
import { type ReadVault, vaultState } from '../support/vault-state.ts'
import { initVault, ROLES, stayInit } from './support/init-vault.ts'
import { asUser, preparedDatabase } from './support/prepared-database.ts'

const ODD = 'a"quoted\\back$dollar`tick\'s =&; end'
const SEEDS = `# what was in .env
POSTGRES_HOST=db
POSTGRES_PORT=5432
export POSTGRES_DB=usdcop
POSTGRES_USER="u"
POSTGRES_PASSWORD=${ODD}
REDIS_HOST=redis
REDIS_PASSWORD=without-its-port
API_KEYS=marker-api-keys
FEATURE_SERVER_KEY=marker-key
MATERIALIZER_KEY=marker-key-of-the-feed
VAULT_DATABASE_PASSWORD=${ODD}
JWT_SECRET='marker-jwt'
UNRELATED=marker-unrelated
`

async function stateOf(bao: Bao): Promise<unknown> {
  const read: ReadVault = async (path, method = 'GET') => (await bao.ask(method, path)).body?.data
  const secretIds = ROLES.map((role) => read(`auth/approle/role/${role}/secret-id`, 'LIST'))
  return [await vaultState(read, ROLES), await Promise.all(secretIds)]
}

const SERVICES = ['feature-server', 'materializer', 'inference-gateway'].map(
  (name) => `services/${name}`,
)
const DATABASE = { VAULT_DATABASE_HOST: 'nobody.invalid' }

describe.for([
  { name: 'development', start: startDevelopmentBao },
  { name: 'raft behind TLS', start: () => startProductionBao({ audit: 'declared' }) },
])('init_vault.sh on $name', ({ start }) => {
  test('makes all of it, and the second run changes nothing', async () => {
    await using bao = await start()
    const seeds = join(bao.folder, 'seeds.env')
    await writeFile(seeds, SEEDS)
    const first = await initVault(bao, { VAULT_SEEDS_FILE: seeds, ...DATABASE })
    expect(first).toEqual({ code: 0, output: expect.stringContaining('vault-init: ready') })
    expect(first.output).toContain('secret/trading/database is made')
    expect(first.output).toContain('secret/trading/redis is left out')
    const { body } = await bao.ask('GET', 'secret/data/trading/database')
    const fields = { host: 'db', port: '5432', database: 'usdcop', user: 'u', password: ODD }
    expect(body.data.data).toEqual(fields)
    expect((await bao.ask('GET', 'secret/data/trading/jwt')).body.data.data).toEqual({
      secret: 'marker-jwt',
    })

    for (const name of SERVICES) {
      const { data } = (await bao.ask('GET', `secret/data/${name}`)).body.data
      expect(data).toMatchObject({ api_keys: 'marker-api-keys' })
    }
    expect((await bao.ask('GET', 'secret/data/services/demo-feed')).body.data.data).toEqual({
      materializer_key: 'marker-key-of-the-feed',
    })
    const database = (await bao.ask('GET', 'database/config/usdcop')).body.data
    expect(database.connection_details).toMatchObject({
      username: 'vault',
      connection_url: expect.stringContaining('@nobody.invalid:5432/usdcop'),
    })
    expect(database.allowed_roles).toEqual(['materializer', 'inference-gateway'])

    const before = await stateOf(bao)
    await writeFile(seeds, SEEDS.replace('marker-jwt', 'another'))
    const second = await initVault(bao, { VAULT_SEEDS_FILE: seeds, ...DATABASE }, 'vault')
    expect(second.code).toBe(0)
    expect(second.output).not.toContain('is made')
    expect(await stateOf(bao)).toEqual(before)

    // The log is on, and neither it nor what the script said holds a value.
    const log = JSON.stringify(await bao.auditLog())
    expect(log).toContain('secret/data/trading/jwt')
    for (const text of [log, first.output, second.output]) {
      expect(text).not.toContain('marker')
      expect(text).not.toContain('back$dollar')
    }
  })
})

test('a secret that was deleted is not made again', async () => {
  await using bao = await startDevelopmentBao()
  const seeds = join(bao.folder, 'seeds.env')
  await writeFile(seeds, SEEDS)
  expect(await initVault(bao, { VAULT_SEEDS_FILE: seeds })).toMatchObject({ code: 0 })
  await bao.ask('DELETE', 'secret/data/trading/jwt')
  expect(await initVault(bao, { VAULT_SEEDS_FILE: seeds })).toMatchObject({ code: 0 })
  expect((await bao.ask('GET', 'secret/data/trading/jwt')).status).toBe(404)
})

test('without an audit log a server that keeps anything is not set up', async () => {
  await using bao = await startProductionBao({ audit: false })
  const { code, output } = await initVault(bao, { VAULT_AUDIT_FILE: '/dev/null/audit.log' })
  expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('no audit log') })
  expect(Object.keys((await bao.ask('GET', 'sys/auth')).body.data)).toEqual(['token/'])
  expect(Object.keys((await bao.ask('GET', 'sys/mounts')).body.data)).not.toContain('secret/')
  const { body } = await bao.ask('LIST', 'sys/policies/acl')
  expect(body.data.keys).not.toContain('trading-policy')
})

test('the only secret it writes is a wrapped one, which opens once and lives five minutes', async () => {
  await using bao = await startDevelopmentBao()
  const env = issueTo(bao)
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  const { file, token } = await wrapped(bao)
  const roleId = (await readFile(join(bao.folder, 'secrets-broker.role-id'), 'utf8')).trim()
  expect((await stat(file)).mode & 0o777).toBe(0o640)
  const lookup = await bao.ask('POST', 'sys/wrapping/lookup', { token }, '')
  expect(lookup.body.data).toMatchObject({
    creation_ttl: 300,
    creation_path: 'auth/approle/role/secrets-broker/secret-id',
  })
  const unwrapped = await bao.ask('POST', 'sys/wrapping/unwrap', undefined, token)
  expect(unwrapped.body.data).toMatchObject({ secret_id_num_uses: 0, secret_id_ttl: 86_400 })
  expect((await bao.ask('POST', 'sys/wrapping/unwrap', undefined, token)).status).toBe(400)
  const credential = { role_id: roleId, secret_id: unwrapped.body.data.secret_id }
  const login = await bao.ask('POST', 'auth/approle/login', credential, '')
  expect(login.body.auth.policies).toEqual(['secrets-broker-policy'])
  expect((await readdir(bao.folder)).filter((name) => name.includes('secret'))).toHaveLength(2)

  // Another run may be of another Vault: it writes both anew, whatever is there.
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  expect((await wrapped(bao)).token).not.toBe(token)
})

test('a secret id that is bound elsewhere logs nobody in from here', async () => {
  await using bao = await startDevelopmentBao()
  const env = { ...issueTo(bao), VAULT_ISSUE_CIDR: '192.0.2.0/24,198.51.100.0/24' }
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  const { token } = await wrapped(bao)
  const { body } = await bao.ask('POST', 'sys/wrapping/unwrap', undefined, token)
  const roleId = (await readFile(join(bao.folder, 'secrets-broker.role-id'), 'utf8')).trim()
  const credential = { role_id: roleId, secret_id: body.data.secret_id }
  expect((await bao.ask('POST', 'auth/approle/login', credential, '')).status).toBe(400)
})

test('while it stays there is always a way in: unread it is written anew, read it is left alone', async ({
  signal,
}) => {
  await using bao = await startDevelopmentBao()
  await using _staying = stayInit(bao, issueTo(bao))
  const patience = { signal, withinMs: 30_000 }
  const first = await eventually('a wrapped secret id', () => wrapped(bao), patience)
  // Four minutes later nobody has come.
  const past = new Date(Date.now() - 4 * 60_000)
  await utimes(first.file, past, past)
  const another = async () => {
    const { token } = await wrapped(bao)
    if (token === first.token) throw new Error('the same as before')
  }
  await eventually('another one', another, patience)
  // The reader keeps what it has read, until that is refused.
  const kept = join(bao.folder, 'secret-id')
  await writeFile(kept, 'x')
  await rm(first.file)
  await expect(
    eventually('none while there is one', () => wrapped(bao), { signal, withinMs: 4_000 }),
  ).rejects.toThrow(/ENOENT/)
  await rm(kept)
  await eventually('the next one', () => wrapped(bao), patience)
})

test('an operator’s run leaves whoever stays a token for the broker’s secret ids, and for nothing else', async ({
  signal,
}) => {
  await using bao = await startProductionBao()
  const env = issueTo(bao)
  await using _staying = stayInit(bao, { ...env, VAULT_TOKEN: '' })
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  const issuer = join(bao.folder, 'done.token')
  expect((await stat(issuer)).mode & 0o777).toBe(0o600)
  const token = (await readFile(issuer, 'utf8')).trim()
  const lookup = await bao.ask('GET', 'auth/token/lookup-self', undefined, token)
  expect(lookup.body.data).toMatchObject({
    policies: ['secrets-broker-issuer-policy'],
    orphan: true,
    period: 86_400,
  })
  const path = 'auth/approle/role/secrets-broker/secret-id'
  // Unwrapped it gets none, nor one of another role.
  expect((await bao.ask('POST', path, {}, token)).status).toBe(403)
  const other = path.replace('secrets-broker', 'materializer')
  expect((await bao.ask('POST', other, {}, token)).status).toBe(403)
  const { file } = await wrapped(bao)
  await rm(file)
  const patience = { signal, withinMs: 30_000 }
  await eventually('one that it made by itself', () => wrapped(bao), patience)
  // Run again, it keeps the token that is there.
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  expect((await readFile(issuer, 'utf8')).trim()).toBe(token)
})

test('users of the database own nothing, and the next one goes on with what the last has made', async () => {
  await using bao = await startDevelopmentBao()
  await using server = await startPostgres()
  await using database = await preparedDatabase(server)
  const { url, password } = database
  const seeds = join(bao.folder, 'seeds.env')
  await writeFile(seeds, `VAULT_DATABASE_PASSWORD=${password}\n`)
  const env = {
    VAULT_SEEDS_FILE: seeds,
    VAULT_DATABASE_HOST: url.hostname,
    VAULT_DATABASE_PORT: url.port,
    VAULT_DATABASE_NAME: url.pathname.slice(1),
    VAULT_DATABASE_ROTATE_ROOT: 'yes',
  }
  const owner = (sql: string) => asUser(url, url.username, decodeURIComponent(url.password), sql)
  const proof = "select rolpassword from pg_authid where rolname = 'vault'"
  const before = await owner(proof)
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  // The password that the file holds is nobody's any more.
  expect(await owner(proof)).not.toEqual(before)

  const lend = async (role: string) => {
    const { body } = await bao.ask('GET', `database/creds/${role}`)
    const { username, password: secret } = body.data
    return { username, secret, lease: body.lease_id, seconds: body.lease_duration }
  }
  const first = await lend('materializer')
  expect(first.seconds).toBe(3_600)
  await asUser(url, first.username, first.secret, 'create table made (n integer)')
  await asUser(url, first.username, first.secret, 'insert into made values (7)')
  await bao.ask('POST', 'sys/leases/revoke', { lease_id: first.lease })
  await expect(asUser(url, first.username, first.secret, 'select 1')).rejects.toThrow(
    /password|role/,
  )

  const second = await lend('inference-gateway')
  const change = 'alter table made add column m integer default 1'
  await asUser(url, second.username, second.secret, change)
  const rows = await asUser(url, second.username, second.secret, 'select n, m from made')
  expect(rows).toEqual([{ n: 7, m: 1 }])
  for (const denied of ['create role another', 'drop role grafana', 'create schema another'])
    await expect(asUser(url, second.username, second.secret, denied)).rejects.toThrow(/denied/)
  // Whose tables these are.
  expect(await owner("select tableowner from pg_tables where tablename = 'made'")).toEqual([
    { tableowner: 'usdcop_app' },
  ])
  await bao.ask('POST', 'sys/leases/revoke', { lease_id: second.lease })
})

function issueTo(bao: Bao): NodeJS.ProcessEnv {
  return {
    VAULT_ISSUE: 'secrets-broker',
    VAULT_ISSUE_FOLDER: bao.folder,
    VAULT_ISSUE_CIDR: '127.0.0.1/32',
  }
}

async function wrapped(bao: Bao): Promise<{ file: string; token: string }> {
  const file = join(bao.folder, 'secrets-broker.wrapped-secret-id')
  return { file, token: (await readFile(file, 'utf8')).trim() }
}
