import { startDevelopmentBao } from '@usdcop/tests/support/openbao'
import { startPostgres } from '@usdcop/tests/support/postgres'
import { Client, Pool } from 'pg'
import { expect, test } from 'vitest'
import { type DatabaseCredentials, keepDatabaseCredentials } from '../src/database-credentials.ts'
import type { Identity } from '../src/identity.ts'
import { secretPath } from '../src/secret-path.ts'
import { approle, identityOf, makeRole, must, serverOf } from './openbao-setup.ts'

const POLICY = `path "database/creds/*" { capabilities = ["read"] }
path "sys/leases/renew" { capabilities = ["update"] }
path "sys/leases/revoke" { capabilities = ["update"] }
`

/** A pool whose user is changed under the feet of its callers, and the users it has had. */
function followedPool(identity: Identity, database: URL) {
  const users: string[] = []
  let pool: Pool | undefined
  const draining: Promise<void>[] = []
  async function adopt({ user, password }: DatabaseCredentials): Promise<void> {
    const next = new Pool({
      host: database.hostname,
      port: Number(database.port),
      database: database.pathname.slice(1),
      user,
      password: password.reveal(),
      max: 4,
    })
    await next.query('SELECT 1')
    const old = pool
    pool = next
    users.push(user)
    if (old !== undefined) draining.push(old.end())
    await Promise.all(draining)
  }
  const keeper = keepDatabaseCredentials(identity, { mount: 'database', role: 'reader', adopt })
  return {
    keeper,
    users,
    async ask(): Promise<string> {
      const { rows } = await (pool ?? new Pool()).query<{ name: string }>(
        'SELECT current_user AS name',
      )
      return rows[0]?.name ?? ''
    },
    async [Symbol.asyncDispose]() {
      await keeper[Symbol.asyncDispose]()
      await pool?.end()
    },
  }
}

test('database users are replaced under load, by lease and by token, and no query fails', async ({
  signal,
}) => {
  await using postgres = await startPostgres()
  await using bao = await startDevelopmentBao()
  const url = new URL(postgres.url)
  await must(bao, 'POST', 'sys/mounts/database', { type: 'database' })
  const { host, pathname, search } = url
  await must(bao, 'POST', 'database/config/usdcop', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: `postgresql://{{username}}:{{password}}@${host}${pathname}${search || '?sslmode=disable'}`,
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password) || 'none',
    allowed_roles: ['*'],
  })
  for (const [name, default_ttl, max_ttl] of [
    ['reader', '3s', '6s'],
    ['slow', '15s', '20s'],
  ])
    await must(bao, 'POST', `database/roles/${name}`, {
      db_name: 'usdcop',
      creation_statements: [
        `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`,
      ],
      revocation_statements: ['DROP ROLE IF EXISTS "{{name}}"'],
      default_ttl,
      max_ttl,
    })
  // The token too comes to its end meanwhile, and takes with it what was lent under it.
  const role = await makeRole(bao, 'service', POLICY, { token_ttl: '14s', token_max_ttl: '28s' })
  const { server, events } = serverOf(bao)
  const secretId = await role.secretId()
  const identity = identityOf(server, 'service', async () => approle(role.roleId, secretId))
  await using pool = followedPool(identity, url)
  const { keeper, users } = pool
  await keeper.get(signal)
  const adopted: string[] = []
  await using slow = keepDatabaseCredentials(identity, {
    mount: 'database',
    role: 'slow',
    adopt: async ({ user }) => void adopted.push(user),
  })

  let queries = 0
  let ended = false
  const seen = new Set<string>()
  const load = Array.from({ length: 4 }, async () => {
    while (!ended) {
      seen.add(await pool.ask())
      queries += 1
    }
  })
  await expect
    .poll(() => users.length, { timeout: 60_000, interval: 100 })
    .toBeGreaterThanOrEqual(6)
  await expect
    .poll(() => identity.epoch(), { timeout: 60_000, interval: 100 })
    .toBeGreaterThanOrEqual(2)
  ended = true
  await Promise.all(load)
  expect(queries).toBeGreaterThan(1_000)
  expect(seen.size).toBeGreaterThanOrEqual(5)
  const states = events.flatMap((event) => (event.kind === 'lease' ? [event.state] : []))
  expect(states).toContain('obtained')
  expect(states).not.toContain('lapsed')
  expect(states).not.toContain('failed')

  // Users that are out of use are gone from the database at once, not left to the end of their lease.
  const admin = new Client({ connectionString: postgres.url })
  await admin.connect()
  const count = async () =>
    (await admin.query('SELECT FROM pg_roles WHERE rolname LIKE $1', ['v-%'])).rowCount
  const inUse = () => [keeper.current()?.user, slow.current()?.user].length
  await expect.poll(count, { timeout: 5_000 }).toBe(inUse())
  await admin.end()
  process.stdout.write(
    `${queries} queries over ${users.length} users, ${identity.epoch()} tokens: 0 failed\n`,
  )
})

test('whoever holds what a token has lent hears that the token is gone, once there is another', async ({
  signal,
}) => {
  await using bao = await startDevelopmentBao()
  const role = await makeRole(bao, 'service', POLICY)
  const { server } = serverOf(bao)
  const secretId = await role.secretId()
  const identity = identityOf(server, 'service', async () => approle(role.roleId, secretId))
  let heard = 0
  identity.onReplaced(async () => {
    heard += 1
  })
  await identity.ready(signal)
  const { body } = await bao.ask('LIST', 'auth/token/accessors')
  for (const accessor of body.data.keys) {
    const { body: found } = await bao.ask('POST', 'auth/token/lookup-accessor', { accessor })
    if (found.data.meta?.role_name === 'service')
      await must(bao, 'POST', 'auth/token/revoke-accessor', { accessor })
  }
  expect(heard).toBe(0)
  const path = secretPath('auth/token/lookup-self')
  await identity.ask({ operation: 'lookup', verb: 'read', path }, signal)
  expect({ heard, epoch: identity.epoch() }).toEqual({ heard: 1, epoch: 2 })
})
