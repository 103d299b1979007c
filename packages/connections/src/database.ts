import { join } from 'node:path'
import type { Database } from '@usdcop/database/database'
import { openPglite } from '@usdcop/database/pglite'
import { createPostgresOfUsers } from '@usdcop/database/postgres-of-users'
import { openPostgresWhenUp } from '@usdcop/database/postgres-start'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { keepDatabaseCredentials } from '@usdcop/vault/database-credentials'
import { type Vault, whenAnswered } from './vault.ts'

export interface DatabaseSettings {
  /** Undefined is PGlite in a folder of the data directory. */
  readonly databaseUrl: string | undefined
  /** Of Vault's database engine; `databaseUrl` then names no user. */
  readonly databaseRole: string | undefined
  readonly dataDirectory: string
}

export interface DatabaseParts {
  readonly vault: Vault | undefined
  readonly life: Lifecycle
  readonly logger: Logger
}

const MOUNT = 'database'
/** While there is no user at all, how often one is asked for: what Vault failed for may be PostgreSQL itself. */
const HURRY_EVERY_MS = 5_000

/** The database that a configuration names, as the user that it names or as users that Vault makes. A server is waited for. */
export async function openDatabase(
  settings: DatabaseSettings,
  parts: DatabaseParts,
): Promise<Database> {
  const { databaseUrl: url, databaseRole: role } = settings
  const { vault, life, logger } = parts
  const onWait = (error: Error) =>
    logger.warn({ err: error }, 'the database is not up; trying again')
  if (url !== undefined && role !== undefined && vault !== undefined)
    return await openAsUsersOf(vault, { url, role, onWait }, parts)
  const database =
    url === undefined
      ? await openPglite(join(settings.dataDirectory, 'database'), life.signal)
      : await openPostgresWhenUp({ url }, onWait, life.signal)
  life.onClose('database', () => database.close())
  return database
}

interface RoleOptions {
  readonly url: string
  readonly role: string
  readonly onWait: (error: Error) => void
}

async function openAsUsersOf(
  vault: Vault,
  { url, role, onWait }: RoleOptions,
  { life, logger }: DatabaseParts,
): Promise<Database> {
  const database = createPostgresOfUsers({ url, onWait, onRefused: refused })
  const kept = keepDatabaseCredentials(vault.identity, {
    mount: MOUNT,
    role,
    adopt: (user, signal) => database.adopt(user, signal),
  })
  /** Somebody else has dropped the user: what is left of its lease is worth nothing. */
  function refused(): void {
    const held = kept.current()
    if (held !== undefined) kept.reject(held)
  }
  const hurry = setInterval(() => {
    if (kept.current() === undefined) kept.hurry()
  }, HURRY_EVERY_MS)
  hurry.unref()
  // In this order at the end: what runs, then the lease, then (in `openVault`) the token.
  life.onClose('database user', async () => {
    clearInterval(hurry)
    await kept[Symbol.asyncDispose]()
  })
  life.onClose('database', () => database.close())
  vault.addLease(`${MOUNT}/${role}`, () => kept.remainingMs())
  await whenAnswered(() => kept.get(life.signal), { life, logger })
  return database
}
