import fs from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database } from '@usdcop/database/database'
import { openPglite } from '@usdcop/database/pglite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { survivesKills } from './crash.ts'

const signal = AbortSignal.timeout(120_000)
const TIMEOUT_MS = 60_000

let parent: string
let directory: string
const opened: Database[] = []

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'usdcop-pglite-'))
  directory = join(parent, 'database')
})
afterEach(async () => {
  for (const database of opened.splice(0)) await database.close()
  await rm(parent, { recursive: true, force: true })
})

const open = async () => {
  const database = await openPglite(directory, signal)
  opened.push(database)
  return database
}

test('keeps what was committed when it is closed and opened again', {
  timeout: TIMEOUT_MS,
}, async () => {
  const first = await open()
  await first.query('create table kept as select 42 as answer', [], signal)
  await first.close()
  const second = await open()
  expect(await second.query('select answer from kept', [], signal)).toEqual([{ answer: 42 }])
  expect(await readdir(parent)).toEqual(['database'])
})

test('fsyncs at each commit, with a call that reaches the disk', {
  timeout: TIMEOUT_MS,
}, async () => {
  const database = await open()
  await database.query('create table kept (a int)', [], signal)
  const settings = `select name, setting from pg_settings
    where name in ('fsync', 'synchronous_commit', 'wal_sync_method') order by name`
  expect(await database.query(settings, [], signal)).toEqual([
    { name: 'fsync', setting: 'on' },
    { name: 'synchronous_commit', setting: 'on' },
    { name: 'wal_sync_method', setting: 'fsync' },
  ])
  const fsync = vi.spyOn(fs, 'fsyncSync')
  try {
    for (const n of [1, 2, 3]) {
      await database.query('insert into kept values ($1)', [n], signal)
      expect(fsync.mock.calls.length).toBeGreaterThanOrEqual(n)
    }
  } finally {
    fsync.mockRestore()
  }
})

test('starts over where a first opening was cut short', { timeout: TIMEOUT_MS }, async () => {
  await (await open()).close()
  await writeFile(`${directory}.initialising`, '')
  await writeFile(join(directory, 'global', 'pg_control'), 'torn')
  const database = await open()
  expect(await database.query('select 1 as one', [], signal)).toEqual([{ one: 1 }])
  expect(await readdir(parent)).toEqual(['database'])
})

test('begins from a template of the version that runs', { timeout: TIMEOUT_MS }, async () => {
  const database = await open()
  const version = (await readFile(join(directory, 'PG_VERSION'), 'utf8')).trim()
  const [row] = await database.query<{ server: string; catalog: boolean }>(
    `select current_setting('server_version') as server,
       (select system_identifier is not null from pg_control_system()) as catalog`,
    [],
    signal,
  )
  expect([row?.server.split('.')[0], row?.catalog]).toEqual([version, true])
})

test('names the directory that cannot hold a database', async () => {
  const file = join(parent, 'file')
  await writeFile(file, '')
  directory = join(file, 'database')
  await expect(open()).rejects.toMatchObject({
    code: 'store_unavailable',
    message: `no database can be opened in ${directory}`,
  })
})

test('keeps every acknowledged commit through kills', { timeout: TIMEOUT_MS }, async () => {
  expect(await survivesKills(directory, [1, 40])).toBe(2)
})
