import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { ServiceError } from '@usdcop/service/errors'
import type { Database } from './database.ts'

/** One forward step of the schema; `checksum` is over its text. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  readonly checksum: string
}

type Applied = Omit<Migration, 'sql'>

const DIRECTORY = new URL('../migrations/', import.meta.url)
const FILE = /^\d{4}_[a-z0-9_]+\.sql$/
/** Two starting processes take turns; the second finds nothing left to do. */
const MIGRATION_LOCK = 0x75_73_64_00

/** The schema's steps, oldest first, from `migrations/NNNN_name.sql`. */
export async function readMigrations(directory: URL = DIRECTORY): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => FILE.test(name)).sort()
  return await Promise.all(
    names.map(async (name) => {
      const sql = (await readFile(new URL(name, directory), 'utf8')).replaceAll('\r\n', '\n')
      const checksum = createHash('sha256').update(sql).digest('hex')
      return { version: Number.parseInt(name, 10), name, sql, checksum }
    }),
  )
}

/** The steps still to run, or why the database may not be used by this program. */
export function planMigrations(
  known: readonly Migration[],
  applied: readonly Applied[],
): readonly Migration[] {
  const newest = known.at(-1)?.version ?? 0
  const byVersion = new Map(known.map((migration) => [migration.version, migration]))
  for (const { version, name, checksum } of applied) {
    if (version > newest)
      throw new ServiceError(
        'schema_newer',
        `the database has schema ${name}, which this program does not know: start a newer one`,
      )
    if (byVersion.get(version)?.checksum !== checksum)
      throw new ServiceError('schema_changed', `migration ${name} changed after it was applied`)
  }
  const done = applied.at(-1)?.version ?? 0
  const rest = known.filter((migration) => migration.version > done)
  if (applied.length + rest.length !== known.length)
    throw new ServiceError('schema_changed', `a migration before ${done} was never applied`)
  return rest
}

/**
 * Brings the schema up to date, in one transaction under a lock. Returns the names it applied.
 * Throws `schema_changed` or `schema_newer`, and then has changed nothing.
 */
export async function migrate(
  database: Database,
  signal: AbortSignal,
  migrations?: readonly Migration[],
): Promise<string[]> {
  const known = migrations ?? (await readMigrations())
  return await database.transaction(async (tx) => {
    await tx.query('select pg_advisory_xact_lock($1::int8)', [MIGRATION_LOCK], signal)
    await tx.query(
      `create table if not exists schema_migration (
         version int primary key, name text not null, checksum text not null,
         applied_at timestamptz not null default now())`,
      [],
      signal,
    )
    const applied = await tx.query<Applied>(
      'select version, name, checksum from schema_migration order by version',
      [],
      signal,
    )
    const rest = planMigrations(known, applied)
    for (const { version, name, sql, checksum } of rest) {
      await tx.script(sql, signal)
      await tx.query(
        'insert into schema_migration (version, name, checksum) values ($1, $2, $3)',
        [version, name, checksum],
        signal,
      )
    }
    return rest.map((migration) => migration.name)
  }, signal)
}
