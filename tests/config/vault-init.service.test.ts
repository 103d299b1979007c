import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Bao, startDevelopmentBao, startProductionBao } from '../support/openbao.ts'
import { initVault, ROLES } from './support/init-vault.ts'

const ODD = 'a"quoted\\back$dollar`tick\'s =&; end'
const SEEDS = `# what was in .env
POSTGRES_HOST=db
POSTGRES_PORT=5432
export POSTGRES_DB=usdcop
POSTGRES_USER="u"
POSTGRES_PASSWORD=${ODD}
REDIS_HOST=redis
REDIS_PASSWORD=without-its-port
JWT_SECRET='marker-jwt'
UNRELATED=marker-unrelated
`

/** All that the script makes, as it stands: equal before and after means that nothing was changed. */
async function stateOf(bao: Bao): Promise<unknown> {
  const read = async (path: string, method = 'GET') => (await bao.ask(method, path)).body?.data
  const roles = ROLES.map(async (role) => [
    await read(`auth/approle/role/${role}`),
    // Another one would mean that the role was made anew.
    await read(`auth/approle/role/${role}/role-id`),
    await read(`auth/approle/role/${role}/secret-id`, 'LIST'),
  ])
  const names: string[] = (await read('sys/policies/acl', 'LIST')).keys
  const policies = names.map(async (name) => read(`sys/policies/acl/${name}`))
  const secrets = ['database', 'redis', 'jwt'].map((name) =>
    read(`secret/metadata/trading/${name}`),
  )
  return {
    mounts: Object.keys(await read('sys/mounts')),
    auth: await read('sys/auth'),
    audit: await read('sys/audit'),
    names,
    roles: await Promise.all(roles),
    policies: await Promise.all(policies),
    secrets: await Promise.all(secrets),
  }
}

describe.for([
  { name: 'development', start: startDevelopmentBao },
  { name: 'raft behind TLS', start: startProductionBao },
])('init_vault.sh on $name', ({ start }) => {
  test('makes all of it, and the second run changes nothing', async () => {
    await using bao = await start()
    const seeds = join(bao.folder, 'seeds.env')
    await writeFile(seeds, SEEDS)
    const first = await initVault(bao, { VAULT_SEEDS_FILE: seeds })
    expect(first).toEqual({ code: 0, output: expect.stringContaining('vault-init: ready') })
    expect(first.output).toContain('secret/trading/database is made')
    expect(first.output).toContain('secret/trading/redis is left out')
    const { body } = await bao.ask('GET', 'secret/data/trading/database')
    const fields = { host: 'db', port: '5432', database: 'usdcop', user: 'u', password: ODD }
    expect(body.data.data).toEqual(fields)
    expect((await bao.ask('GET', 'secret/data/trading/jwt')).body.data.data).toEqual({
      secret: 'marker-jwt',
    })

    const before = await stateOf(bao)
    await writeFile(seeds, SEEDS.replace('marker-jwt', 'another'))
    const second = await initVault(bao, { VAULT_SEEDS_FILE: seeds }, 'vault')
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
  const { code, output } = await initVault(bao)
  expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining('no audit log') })
  expect(Object.keys((await bao.ask('GET', 'sys/auth')).body.data)).toEqual(['token/'])
  expect(Object.keys((await bao.ask('GET', 'sys/mounts')).body.data)).not.toContain('secret/')
  const { body } = await bao.ask('LIST', 'sys/policies/acl')
  expect(body.data.keys).not.toContain('trading-policy')
})

test('the only secret it writes is a wrapped one, which opens once and lives five minutes', async () => {
  await using bao = await startDevelopmentBao()
  const env = {
    VAULT_ISSUE: 'secrets-broker',
    VAULT_ISSUE_FOLDER: bao.folder,
    VAULT_ISSUE_CIDR: '127.0.0.1/32',
  }
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  const file = join(bao.folder, 'secrets-broker.wrapped-secret-id')
  const token = (await readFile(file, 'utf8')).trim()
  const roleId = (await readFile(join(bao.folder, 'secrets-broker.role-id'), 'utf8')).trim()
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const lookup = await bao.ask('POST', 'sys/wrapping/lookup', { token }, '')
  expect(lookup.body.data).toMatchObject({
    creation_ttl: 300,
    creation_path: 'auth/approle/role/secrets-broker/secret-id',
  })
  // A second run leaves it to whoever waits for it.
  expect(await initVault(bao, env)).toMatchObject({ code: 0 })
  expect((await readFile(file, 'utf8')).trim()).toBe(token)
  const unwrapped = await bao.ask('POST', 'sys/wrapping/unwrap', undefined, token)
  expect(unwrapped.body.data).toMatchObject({ secret_id_num_uses: 0, secret_id_ttl: 86_400 })
  expect((await bao.ask('POST', 'sys/wrapping/unwrap', undefined, token)).status).toBe(400)
  const credential = { role_id: roleId, secret_id: unwrapped.body.data.secret_id }
  const login = await bao.ask('POST', 'auth/approle/login', credential, '')
  expect(login.body.auth.policies).toEqual(['secrets-broker-policy'])
  expect((await readdir(bao.folder)).filter((name) => name.includes('secret'))).toHaveLength(2)
})
