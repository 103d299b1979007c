import { setTimeout as sleep } from 'node:timers/promises'
import { ServiceError } from '@usdcop/service/errors'
import type { Database } from './database.ts'
import { openPostgres, type PostgresOptions } from './postgres.ts'
import { fromSql } from './sql-errors.ts'

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000

/**
 * The same as `openPostgres`, but waits for a server that is away or still starting, until the signal:
 * a service and its database start together, in any order. What a server refuses (the password, the
 * database's name) is thrown at once, for waiting does not mend it.
 *
 * @param onWait told before each pause why there is one
 */
export async function openPostgresWhenUp(
  options: PostgresOptions,
  onWait: (error: ServiceError) => void,
  signal: AbortSignal,
): Promise<Database> {
  return await untilUp(() => openPostgres(options, signal), onWait, signal)
}

/** Tries again while the server is away; what it refuses is thrown. */
export async function untilUp<T>(
  open: () => Promise<T>,
  onWait: (error: ServiceError) => void,
  signal: AbortSignal,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await open()
    } catch (error) {
      signal.throwIfAborted()
      if (!isAway(error)) throw error
      onWait(error)
      await sleep(pauseMs, undefined, { signal })
    }
  }
}

function isAway(error: unknown): error is ServiceError {
  if (!(error instanceof ServiceError) || error.code !== 'store_unavailable') return false
  // A server that answered says by its SQLSTATE whether to come again; who did not answer is away.
  const { cause } = error
  return !isSqlState(cause) || fromSql(cause) instanceof ServiceError
}

function isSqlState(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)
}
