import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parsePostgresUrl } from '@usdcop/feast/config/postgres-url'
import type { Definitions } from '@usdcop/feast/registry/definitions'
import { decodeRegistry } from '@usdcop/feast/registry/registry-file'
import { openSqlRegistry } from '@usdcop/feast/registry/sql/store'
import { runFeast } from '@usdcop/tests/support/feast-forks'
import { startPostgres } from '@usdcop/tests/support/postgres'
import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

const golden = new URL('../golden/', import.meta.url)
let postgres: Awaited<ReturnType<typeof startPostgres>>
let url: string

beforeAll(async () => {
  postgres = await startPostgres()
  url = await postgres.createDatabase()
  const script = fileURLToPath(new URL('feast_registry.py', golden))
  await runFeast([script, forFeast(url)], AbortSignal.timeout(110_000))
}, 120_000)
afterAll(async () => await postgres[Symbol.asyncDispose]())

const forFeast = (of: string) => of.replace(/^postgres(?:ql)?:/, 'postgresql+psycopg:')

function open(project: string, of = url) {
  const connection = parsePostgresUrl(forFeast(of))
  const flags = { makesTables: true, keepsMetadata: true, onlineVersioning: true }
  const config = { type: 'sql' as const, connection, readConnection: connection, ...flags }
  const store = openSqlRegistry(config, project, Date.now)
  onTestFinished(async () => await store.close())
  return store
}

test('reads of every kind of object what it reads of a file with the same definitions', async ({
  signal,
}) => {
  const file = readFileSync(new URL('feast-registry.db', golden))
  for (const project of ['shop', 'other']) {
    const inFile = decodeRegistry(file, project, { onlineVersioning: true })
    const inSql = await open(project).read(signal)
    expect(inSql.entities.size).toBeGreaterThan(0)
    expect(comparable(inSql)).toEqual(comparable(inFile))
  }
})

/** Times are those of each run, and neither Feast nor a table keeps an order. */
function comparable(value: unknown): unknown {
  if (value instanceof Map) return new Map([...value].map(([key, of]) => [key, comparable(of)]))
  if (Array.isArray(value)) {
    const each = value.map(comparable)
    return isNamed(each) ? each.toSorted((a, b) => (a.name < b.name ? -1 : 1)) : each
  }
  if (typeof value !== 'object' || value === null) return value
  const { createdAt: _created, updatedAt: _updated, ...rest } = value as Record<string, unknown>
  return Object.fromEntries(Object.entries(rest).map(([key, of]) => [key, comparable(of)]))
}

function isNamed(list: unknown[]): list is { readonly name: string }[] {
  return list.every((each) => typeof each === 'object' && each !== null && 'name' in each)
}

const APPLIED: Definitions = {
  project: 'bank',
  entities: [{ name: 'customer', joinKey: 'id', valueType: 'INT64', tags: {} }],
  views: [],
  services: [],
  pushSources: [],
}

test('makes the tables that Feast makes', async ({ signal }) => {
  const made = await postgres.createDatabase()
  await open('bank', made).apply(APPLIED, signal)
  const ours = await tablesOf(made)
  expect(ours.length).toBeGreaterThan(60)
  expect(ours).toEqual(await tablesOf(url))
})

/** Columns in their order, and indexes. */
async function tablesOf(of: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: of })
  await client.connect()
  try {
    const columns = await client.query(
      `select table_name, column_name, data_type, character_maximum_length, is_nullable
       from information_schema.columns where table_schema = 'public'
       order by table_name, ordinal_position`,
    )
    const indexes = await client.query(
      `select indexdef from pg_indexes where schemaname = 'public' order by indexdef`,
    )
    return [...columns.rows, ...indexes.rows]
  } finally {
    await client.end()
  }
}

test('applies beside projects of Feast and leaves them as they are', async ({ signal }) => {
  const shop = open('shop')
  const before = await shop.read(signal)
  const bank = open('bank')
  await bank.apply(APPLIED, signal)
  await bank.deleteProject(signal)
  expect(await shop.read(signal)).toBe(before)
  const projects = (await shop.readMessage(signal)).projects.map(({ spec }) => spec?.name ?? '')
  expect(projects.toSorted()).toEqual(['other', 'shop'])
})
