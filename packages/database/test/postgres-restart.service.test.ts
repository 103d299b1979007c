import { openPostgres } from '@usdcop/database/postgres'
import { openPostgresWhenUp } from '@usdcop/database/postgres-start'
import { type OwnPostgres, startOwnPostgres } from '@usdcop/tests/support/postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'

const signal = AbortSignal.timeout(120_000)

let server: OwnPostgres
beforeAll(async () => {
  server = await startOwnPostgres()
})
afterAll(() => server[Symbol.asyncDispose]())

test.for(['SIGINT', 'SIGQUIT'] as const)(
  'says unavailable while the server is away (%s), and goes on when it is back',
  async (end) => {
    const database = await openPostgres({ url: await server.createDatabase() }, signal)
    const heard: string[] = []
    await database.listen('news', (payload) => heard.push(payload), signal)
    const unavailable = expect.objectContaining({ code: 'store_unavailable' })
    const active = `select count(*) as n from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()`
    const sleeping = database.query('select pg_sleep(600)', [], signal)
    const inTransaction = database.transaction(
      (tx) => tx.query('select pg_sleep(600)', [], signal),
      signal,
    )
    const broken = Promise.allSettled([sleeping, inTransaction])
    await expect.poll(() => database.query(active, [], signal)).toEqual([{ n: 2 }])

    await server.down(end)
    const rejected = { status: 'rejected', reason: unavailable }
    expect(await broken).toEqual([rejected, rejected])
    await expect(database.query('select 1', [], signal)).rejects.toEqual(unavailable)

    await server.up()
    await expect.poll(() => database.query('select 1 as n', [], signal)).toEqual([{ n: 1 }])
    const news = async () => {
      await database.query(`select pg_notify('news', 'again')`, [], signal)
      return heard.length > 0
    }
    await expect.poll(news, { timeout: 20_000 }).toBe(true)
    await database.close()
  },
)

test('waits for a server that is not up yet', async () => {
  const url = await server.createDatabase()
  await server.down('SIGINT')
  const waited = Promise.withResolvers<{ readonly code: string }>()
  const opening = openPostgresWhenUp({ url }, waited.resolve, signal)
  expect(await waited.promise).toMatchObject({ code: 'store_unavailable' })
  await server.up()
  const database = await opening
  expect(await database.query('select 1 as n', [], signal)).toEqual([{ n: 1 }])
  await database.close()
})

test('does not wait for a database that is not there', async () => {
  const url = new URL(server.url)
  url.pathname = '/elsewhere'
  const opening = openPostgresWhenUp({ url: url.href }, () => {}, signal)
  await expect(opening).rejects.toMatchObject({ cause: { code: '3D000' } })
})

test('stops waiting at the signal', async () => {
  const stop = new AbortController()
  const nowhere = { url: 'postgres://postgres@127.0.0.1:1/postgres' }
  const opening = openPostgresWhenUp(nowhere, () => stop.abort(), stop.signal)
  await expect(opening).rejects.toMatchObject({ name: 'AbortError' })
})
