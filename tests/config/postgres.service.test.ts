import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startPostgres } from '../support/postgres.ts'
import { root } from './support/files.ts'
import { asUser, entrypointEnvironment, preparedDatabase } from './support/prepared-database.ts'
import { run, temporaryFolder } from './support/run.ts'

const script = join(root, 'config/postgres/init/100-usdcop.sh')
const PASSWORD = "with 'quotes' and $signs"

async function outcome(client: pg.Client, sql: string): Promise<string> {
  return client.query(sql).then(
    () => 'done',
    (error: unknown) => (error as Error).message,
  )
}

test('the init script gives Grafana a user who reads everything and writes nothing', async () => {
  await using server = await startPostgres()
  await using folder = await temporaryFolder()
  const url = new URL(await server.createDatabase())
  const secret = join(folder.path, 'password')
  await writeFile(secret, `${PASSWORD}\n`)
  const owner = new pg.Client({ connectionString: url.href })
  await owner.connect()
  try {
    const ended = await run('/bin/sh', [script], { env: entrypointEnvironment(url, secret) })
    expect({ ...ended }).toMatchObject({ code: 0 })
    expect(ended.output).not.toContain(PASSWORD)
    // What the services make only after this.
    await owner.query('create table later (n integer)')
    await owner.query('insert into later values (7)')

    const asGrafana = new URL(url)
    asGrafana.username = 'grafana'
    asGrafana.password = encodeURIComponent(PASSWORD)
    const grafana = new pg.Client({ connectionString: asGrafana.href })
    await grafana.connect()
    try {
      expect((await grafana.query('select n from later')).rows).toEqual([{ n: 7 }])
      expect(await outcome(grafana, 'insert into later values (8)')).toMatch(/read-only/)
      await grafana.query('set default_transaction_read_only = off')
      expect(await outcome(grafana, 'insert into later values (8)')).toMatch(/permission denied/)
      expect(await outcome(grafana, 'create table mine (n integer)')).toMatch(/permission denied/)
      expect(await outcome(grafana, 'create role another')).toMatch(/permission denied/)
    } finally {
      await grafana.end()
    }
  } finally {
    // A role belongs to the whole server, which may be one that was given to the tests.
    await outcome(owner, 'drop owned by grafana')
    await outcome(owner, 'drop role grafana')
    await owner.end()
  }
})

test('without a password the init script makes nothing, and says why', async () => {
  await using folder = await temporaryFolder()
  const url = new URL('postgres://nobody@127.0.0.1:1/none')
  const env = entrypointEnvironment(url, join(folder.path, 'missing'))
  const { code, output } = await run('/bin/sh', [script], { env })
  expect(code).toBe(1)
  expect(output).toContain('no password for the role grafana')
})

test('what Vault’s users make is the group’s, also what an earlier version made, and Grafana reads it', async () => {
  await using server = await startPostgres()
  await using database = await preparedDatabase(server)
  const { url } = database
  const asOwner = (sql: string) => asUser(url, url.username, decodeURIComponent(url.password), sql)
  await asOwner('create table earlier (id bigint generated always as identity, n serial)')
  await asOwner("create function seven() returns int language sql as 'select 7'")
  await asOwner('create sequence loose')
  await database.again('110-vault.sh')
  const owners = `select relname as name, relowner::regrole::text as owner from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')
    union all select proname, proowner::regrole::text from pg_proc where proname = 'seven'
    order by name`
  const names = ['earlier', 'earlier_id_seq', 'earlier_n_seq', 'loose', 'seven']
  expect(await asOwner(owners)).toEqual(names.map((name) => ({ name, owner: 'usdcop_app' })))

  await asOwner("create role lent login password 'lent' in role usdcop_app")
  await asOwner("alter role lent set role = 'usdcop_app'")
  await asUser(url, 'lent', 'lent', 'create table later as select 7 as n')
  await asOwner('drop role lent')
  expect(await asUser(url, 'grafana', 'of the role grafana', 'select n from later')).toEqual([
    { n: 7 },
  ])
  expect(await database.again('110-vault.sh')).toBe('')
})
