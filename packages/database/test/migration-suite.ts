import type { Database } from '@usdcop/database/database'
import { type Migration, migrate, readMigrations } from '@usdcop/database/migrate'
import { afterAll, beforeAll, expect, test } from 'vitest'

const signal = AbortSignal.timeout(120_000)

const step = (version: number, sql: string): Migration => ({
  version,
  name: `000${version}_step.sql`,
  sql,
  checksum: sql,
})
const FIRST = step(1, 'create table one (a int); insert into one values (1)')
const SECOND = step(2, 'alter table one add b int; create table two (a int)')

/** Migrations run in the order of these tests: each goes on where the one before ended. */
export function migrationSuite(open: () => Promise<Database>): void {
  let database: Database
  beforeAll(async () => {
    database = await open()
  }, 120_000)
  afterAll(async () => await database.close())

  test('applies what is new, once, however many start together', async () => {
    const together = [migrate(database, signal, [FIRST]), migrate(database, signal, [FIRST])]
    expect((await Promise.all(together)).flat()).toEqual(['0001_step.sql'])
    expect(await migrate(database, signal, [FIRST, SECOND])).toEqual(['0002_step.sql'])
    expect(await migrate(database, signal, [FIRST, SECOND])).toEqual([])
    expect(await database.query('select a, b from one', [], signal)).toEqual([{ a: 1, b: null }])
  })

  test('changes nothing when a step fails', async () => {
    const broken = step(3, 'create table three (a int); select no_such_column from one')
    await expect(migrate(database, signal, [FIRST, SECOND, broken])).rejects.toThrow(
      'no_such_column',
    )
    const tables = `select count(*) as n from information_schema.tables where table_name = 'three'`
    expect(await database.query(tables, [], signal)).toEqual([{ n: 0 }])
    expect(await migrate(database, signal, [FIRST, SECOND])).toEqual([])
  })

  test.for([
    {
      name: 'an applied file that changed',
      known: [step(1, 'select 1'), SECOND],
      code: 'schema_changed',
    },
    { name: 'an applied file that is gone', known: [SECOND], code: 'schema_changed' },
    { name: 'a database newer than the program', known: [FIRST], code: 'schema_newer' },
  ])('refuses $name', async ({ known, code }) => {
    await expect(migrate(database, signal, known)).rejects.toMatchObject({ code })
  })

  test('refuses a step that was slipped in before an applied one', async () => {
    const late = { ...step(1, 'select 1'), version: 1.5, name: '0001_late.sql' }
    await expect(migrate(database, signal, [FIRST, late, SECOND])).rejects.toMatchObject({
      code: 'schema_changed',
    })
  })

  test('reads the files of the real schema in order, and they apply to an empty database', async () => {
    const known = await readMigrations()
    expect(known.map((migration) => migration.version)).toEqual(known.map((_, i) => i + 1))
    const empty = await open()
    try {
      expect(await migrate(empty, signal)).toEqual(known.map((migration) => migration.name))
    } finally {
      await empty.close()
    }
  }, 60_000)
}
