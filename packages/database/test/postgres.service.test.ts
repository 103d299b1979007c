import { openPostgres } from '@usdcop/database/postgres'
import { type PostgresServer, startPostgres } from '@usdcop/tests/support/postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { databaseSuite } from './database-suite.ts'
import { ledgerSuite } from './ledger-suite.ts'
import { migrationSuite } from './migration-suite.ts'
import { repositorySuite } from './repository-suite.ts'

const signal = AbortSignal.timeout(120_000)

let server: PostgresServer
beforeAll(async () => {
  server = await startPostgres()
})
afterAll(async () => await server[Symbol.asyncDispose]())

const open = async () => await openPostgres({ url: await server.createDatabase() }, signal)

describe('PostgreSQL', () => {
  describe('database', () => {
    databaseSuite(open)
  })
  describe('migrations', () => {
    migrationSuite(open)
  })
  describe('repositories', () => {
    repositorySuite(open)
  })
  describe('ledger', () => {
    ledgerSuite(open)
  })

  test('ends a statement on the server when its signal aborts', async () => {
    const database = await open()
    const stop = new AbortController()
    const reason = new Error('gone')
    const asleep = database.query('select pg_sleep(600)', [], stop.signal)
    const sleeping = `select count(*) as n from pg_stat_activity
      where state = 'active' and query = 'select pg_sleep(600)'`
    await expect.poll(async () => await database.query(sleeping, [], signal)).toEqual([{ n: 1 }])
    stop.abort(reason)
    await expect(asleep).rejects.toBe(reason)
    expect(await database.query(sleeping, [], signal)).toEqual([{ n: 0 }])
    await database.close()
  })

  test('ends a statement at the timeout', async () => {
    const url = await server.createDatabase()
    const database = await openPostgres({ url, statementTimeoutMs: 50 }, signal)
    await expect(database.query('select pg_sleep(600)', [], signal)).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
    await database.close()
  })

  test('is unavailable where no server answers', async () => {
    const nowhere = openPostgres({ url: 'postgres://postgres@127.0.0.1:1/postgres' }, signal)
    await expect(nowhere).rejects.toMatchObject({ code: 'store_unavailable' })
  })

  test('goes on after its connections were cut, listeners included', async () => {
    const database = await open()
    const heard: string[] = []
    await database.listen('news', (payload) => heard.push(payload), signal)
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
      [],
      signal,
    )
    const news = async () => {
      await database.query(`select pg_notify('news', 'again')`, [], signal)
      return heard.length > 0
    }
    await expect.poll(news, { timeout: 20_000 }).toBe(true)
    await database.close()
  })
})
