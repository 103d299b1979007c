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
