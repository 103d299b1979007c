import { ServiceError } from '@usdcop/service/errors'
import type { Queryable } from './database.ts'

/** A symbol's paper account: its state as JSON, and the version that guards it. */
export interface AccountRecord<S> {
  readonly state: S
  readonly version: number
}

export async function readAccount<S>(
  q: Queryable,
  symbol: string,
  signal: AbortSignal,
): Promise<AccountRecord<S> | undefined> {
  const [row] = await q.query<AccountRecord<S>>(
    'select state, version from account where symbol = $1',
    [symbol],
    signal,
  )
  return row
}

/** Every symbol that has an account. */
export async function accountSymbols(q: Queryable, signal: AbortSignal): Promise<string[]> {
  const rows = await q.query<{ symbol: string }>(
    'select symbol from account order by symbol',
    [],
    signal,
  )
  return rows.map((row) => row.symbol)
}

/**
 * Stores the state that follows `expectedVersion` (0 = there is no account yet) and returns its
 * version. Throws `conflict` when another writer was faster.
 */
export async function saveAccount(
  tx: Queryable,
  symbol: string,
  state: unknown,
  expectedVersion: number,
  signal: AbortSignal,
): Promise<number> {
  const [saved] = await tx.query<{ version: number }>(
    expectedVersion === 0
      ? `insert into account (symbol, state, version) values ($1, $2::jsonb, $3::int8 + 1)
         on conflict do nothing returning version`
      : `update account set state = $2::jsonb, version = version + 1, recorded_at = now()
         where symbol = $1 and version = $3::int8 returning version`,
    [symbol, JSON.stringify(state), expectedVersion],
    signal,
  )
  if (!saved)
    throw new ServiceError('conflict', `account of ${symbol} is no longer at ${expectedVersion}`)
  return saved.version
}
