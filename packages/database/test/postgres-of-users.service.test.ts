import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { notify } from '@usdcop/database/database'
import { openPostgres } from '@usdcop/database/postgres'
import {
  createPostgresOfUsers,
  type DatabaseUser,
  type PostgresOfUsersOptions,
} from '@usdcop/database/postgres-of-users'
import { type OwnPostgres, startOwnPostgres } from '@usdcop/tests/support/postgres'
import { usePasswords } from '@usdcop/tests/support/postgres-passwords'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

const ROTATIONS = 100
const signal = AbortSignal.timeout(180_000)

let server: OwnPostgres
beforeAll(async () => {
  server = await startOwnPostgres()
  await usePasswords(server.url)
  const owner = await openPostgres({ url: server.url }, signal)
  await owner.query('create role usdcop_app nologin', [], signal)
  await owner.close()
})
afterAll(() => server[Symbol.asyncDispose]())

/** A database of users, and an owner that makes and drops them as Vault does. */
async function setUp(options: Partial<PostgresOfUsersOptions> = {}) {
  const url = new URL(await server.createDatabase())
  const owner = await openPostgres({ url: url.href }, signal)
  await owner.query('grant all on schema public to usdcop_app', [], signal)
  url.username = ''
  const refusals: string[] = []
  const database = createPostgresOfUsers({
    url: url.href,
    onWait: () => {},
    onRefused: () => refusals.push('refused'),
    ...options,
  })
  onTestFinished(async () => {
    await database.close()
    await owner.close()
  })
  const make = async (): Promise<DatabaseUser> => {
    const [user, password] = [`v-${randomUUID()}`, `p%/@:${randomUUID()}`]
    await owner.query(
      `create role "${user}" login password '${password}' in role usdcop_app`,
      [],
      signal,
    )
    await owner.query(`alter role "${user}" set role = 'usdcop_app'`, [], signal)
    return { user, password: { reveal: () => password } }
  }
  const drop = ({ user }: DatabaseUser) => owner.query(`drop role "${user}"`, [], signal)
  return { database, owner, make, drop, refusals }
}

const SESSION = 'select session_user::text as name, current_user::text as role'
type Session = { readonly name: string; readonly role: string }

test(`${ROTATIONS} users one after the other under load: no query, transaction or subscription fails`, async () => {
  const { database, owner, make, drop, refusals } = await setUp()
  let user = await make()
  await database.adopt(user, signal)
  await database.query('create table kept (id serial primary key, by text)', [], signal)

  let ended = false
  const seen = new Set<string>()
  const counts = { queries: 0, transactions: 0, notified: 0 }
  const until = async (work: () => Promise<void>) => {
    while (!ended) await work()
  }
  const queries = Array.from({ length: 4 }, () =>
    until(async () => {
      const [session] = await database.query<Session>(SESSION, [], signal)
      expect(session?.role).toBe('usdcop_app')
      seen.add(session?.name ?? '')
      counts.queries += 1
    }),
  )
  const transactions = Array.from({ length: 2 }, () =>
    until(async () => {
      await database.transaction(async (tx) => {
        const [before] = await tx.query<Session>(SESSION, [], signal)
        await tx.query('insert into kept (by) values ($1)', [before?.name], signal)
        await sleep(5)
        const [after] = await tx.query<Session>(SESSION, [], signal)
        expect(after).toEqual(before)
      }, signal)
      counts.transactions += 1
    }),
  )
  const heard = new Set<string>()
  await database.listen('news', (payload) => heard.add(payload), signal)
  const sent: string[] = []
  const notifications = until(async () => {
    const payload = String(counts.notified)
    await notify(owner, 'news', payload, signal)
    sent.push(payload)
    counts.notified += 1
    await sleep(2)
  })

  for (let rotation = 0; rotation < ROTATIONS; rotation += 1) {
    const next = await make()
    await database.adopt(next, signal)
    await drop(user)
    user = next
  }
  ended = true
  await Promise.all([...queries, ...transactions, notifications])
  await expect.poll(() => sent.filter((payload) => !heard.has(payload))).toEqual([])
  expect(refusals).toEqual([])
  expect(seen.size).toBeGreaterThan(ROTATIONS * 0.8)
  const rows = await database.query<{ n: number }>('select count(*) as n from kept', [], signal)
  expect(rows).toEqual([{ n: counts.transactions }])
  // Nobody's connection is left behind.
  const others = `select count(distinct usename) as n from pg_stat_activity where usename like 'v-%'`
  expect(await owner.query(others, [], signal)).toEqual([{ n: 1 }])
  process.stdout.write(`${ROTATIONS} users: ${JSON.stringify(counts)}, 0 failed\n`)
})

test('what runs longer than the limit is cut, and says unavailable', async () => {
  const { database, make } = await setUp({ drainLimitMs: 200 })
  await database.adopt(await make(), signal)
  const asleep = database.query('select pg_sleep(600)', [], signal)
  asleep.catch(() => {})
  await database.adopt(await make(), signal)
  await expect(asleep).rejects.toMatchObject({ code: 'store_unavailable' })
})

test('a user that the server does not let in is not adopted, and the old one stays', async () => {
  const { database, make, drop } = await setUp()
  const good = await make()
  await database.adopt(good, signal)
  const wrong = { ...(await make()), password: { reveal: () => 'wrong' } }
  await expect(database.adopt(wrong, signal)).rejects.toMatchObject({ cause: { code: '28P01' } })
  const gone = await make()
  await drop(gone)
  await expect(database.adopt(gone, signal)).rejects.toMatchObject({ code: 'store_unavailable' })
  const [session] = await database.query<Session>(SESSION, [], signal)
  expect(session?.name).toBe(good.user)
})

test('says so when the server lets its user in no more', async () => {
  const { database, make, drop, refusals, owner } = await setUp()
  const user = await make()
  await database.adopt(user, signal)
  await drop(user)
  await owner.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where usename like 'v-%' or usename is null`,
    [],
    signal,
  )
  // Asked again and again: what meets the end of a connection fails, what is refused a new one waits for the next user.
  let waiting: Promise<unknown> | undefined
  await expect
    .poll(() => {
      waiting = database.query('select 2 as n', [], signal)
      waiting.catch(() => {})
      return refusals.length
    })
    .toBeGreaterThan(0)
  await database.adopt(await make(), signal)
  expect(await waiting).toEqual([{ n: 2 }])
  expect(await database.query('select 1 as n', [], signal)).toEqual([{ n: 1 }])
})

test('a server that is away is waited for; before the first user nothing is answered', async () => {
  const waited = Promise.withResolvers<{ readonly code: string }>()
  const { database, make } = await setUp({ onWait: waited.resolve })
  await expect(database.query('select 1', [], signal)).rejects.toMatchObject({
    code: 'store_unavailable',
  })
  const user = await make()
  await server.down('SIGINT')
  const adopting = database.adopt(user, signal)
  expect(await waited.promise).toMatchObject({ code: 'store_unavailable' })
  await server.up()
  await adopting
  expect(await database.query('select 1 as n', [], signal)).toEqual([{ n: 1 }])
})
