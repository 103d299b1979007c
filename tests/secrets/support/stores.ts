import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Bao } from '../../support/openbao.ts'
import { type OwnPostgres, startOwnPostgres } from '../../support/postgres.ts'
import { usePasswords } from '../../support/postgres-passwords.ts'
import { type RedisNode, startRedisNode } from '../../support/redis-node.ts'

/** The body of an answer that is none of a fault. */
export async function must(bao: Bao, method: string, path: string, body?: object) {
  const answer = await bao.ask(method, path, body)
  if (answer.status >= 300)
    throw new Error(`${method} ${path} answers ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

/** Lets a Vault make users of a database, as the roles of this platform do. */
export async function lendUsers(
  bao: Bao,
  { hostname, port, pathname }: URL,
  ttl: { readonly default_ttl: string; readonly max_ttl: string },
): Promise<void> {
  await bao.ask('POST', 'sys/mounts/database', { type: 'database' })
  await must(bao, 'POST', 'database/config/usdcop', {
    plugin_name: 'postgresql-database-plugin',
    connection_url: `postgresql://{{username}}:{{password}}@${hostname}:${port}${pathname}?sslmode=disable`,
    username: 'vault',
    password: VAULT_PASSWORD,
    allowed_roles: ['*'],
  })
  for (const role of ['materializer', 'inference-gateway'])
    await must(bao, 'POST', `database/roles/${role}`, {
      db_name: 'usdcop',
      creation_statements: [
        `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE usdcop_app; ALTER ROLE "{{name}}" SET role = 'usdcop_app'`,
      ],
      revocation_statements: ['DROP ROLE IF EXISTS "{{name}}"'],
      ...ttl,
    })
}

const VAULT_PASSWORD = 'hunter2'

export interface Lender extends AsyncDisposable {
  /** Of a database that `usdcop_app` owns; it names no user. */
  readonly url: URL
  /** Users that Vault has made and not dropped. */
  users(): Promise<readonly string[]>
}

/** A PostgreSQL that takes no one without a password, with what Vault makes users with. */
export async function startLender(): Promise<Lender> {
  const server: OwnPostgres = await startOwnPostgres()
  await usePasswords(server.url)
  const url = new URL(await server.createDatabase())
  const owner = new pg.Client({ connectionString: server.url })
  await owner.connect()
  await owner.query('CREATE ROLE usdcop_app NOLOGIN')
  await owner.query(`CREATE ROLE vault LOGIN CREATEROLE PASSWORD '${VAULT_PASSWORD}'`)
  await owner.query('GRANT usdcop_app TO vault WITH ADMIN OPTION')
  await owner.query(`ALTER DATABASE "${url.pathname.slice(1)}" OWNER TO usdcop_app`)
  url.username = ''
  return {
    url,
    async users() {
      const { rows } = await owner.query<{ name: string }>(
        `SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'v-%'`,
      )
      return rows.map(({ name }) => name)
    },
    async [Symbol.asyncDispose]() {
      await owner.end()
      await server[Symbol.asyncDispose]()
    },
  }
}

const USER = 'usdcop'

export interface RotatedRedis extends AsyncDisposable {
  readonly url: string
  readonly admin: Redis
  /** Adds a password, writes it to KV, and takes the one before away after the grace. */
  rotate(graceMs: number): Promise<void>
  /** Cuts every connection of the services. */
  cut(): Promise<unknown>
}

/** A Redis whose one user has a password that is in Vault, and nobody else comes in but this test. */
export async function startRotatedRedis(bao: Bao): Promise<RotatedRedis> {
  const node: RedisNode = await startRedisNode()
  const admin = new Redis(node.url)
  const { port, host } = node
  let current = randomUUID()
  await admin.acl('SETUSER', USER, 'on', `>${current}`, '~*', '+@all', '-@admin')
  await admin.acl('SETUSER', 'default', 'resetpass', '>only-this-test')
  const write = (password: string) =>
    must(bao, 'POST', 'secret/data/trading/redis', {
      data: { host, port: String(port), user: USER, password },
    })
  await write(current)
  return {
    url: node.url,
    admin,
    async rotate(graceMs) {
      const old = current
      current = randomUUID()
      await admin.acl('SETUSER', USER, `>${current}`)
      await write(current)
      await new Promise((resolve) => setTimeout(resolve, graceMs))
      await admin.acl('SETUSER', USER, `<${old}`)
    },
    cut: () => admin.client('KILL', 'USER', USER),
    async [Symbol.asyncDispose]() {
      admin.disconnect()
      await node[Symbol.asyncDispose]()
    },
  }
}
