/** Anything that answers SQL: the database itself, or one transaction on it. */
export interface Queryable {
  /**
   * Runs one statement and returns its rows. Placeholders are `$1`…; arrays and floats pass through
   * the encoders of `encode.ts`, so that both drivers send the same text.
   *
   * Throws `conflict` on a broken unique constraint, `deadline_exceeded` past the statement
   * timeout, `store_unavailable` when the server is gone, and the signal's reason when aborted.
   */
  query<R>(sql: string, params: readonly unknown[], signal: AbortSignal): Promise<R[]>
}

export interface Transaction extends Queryable {
  /** Runs several statements in one text, without parameters: a migration. */
  script(sql: string, signal: AbortSignal): Promise<void>
}

/** Stops a subscription; calling it twice is harmless. */
export type Unlisten = () => Promise<void>

/**
 * One SQL, two drivers: PGlite in a directory of our own, or a PostgreSQL server.
 *
 * Inside `transaction` only `tx` may be asked: on PGlite there is one connection, and a query on
 * the database itself would wait for the transaction that waits for it.
 */
export interface Database extends Queryable {
  /** Commits when `work` resolves, rolls back when it throws. Committed means fsynced. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, signal: AbortSignal): Promise<T>
  /**
   * Calls `onNotify` with the payload of each `pg_notify(channel, …)` committed from now on. A
   * notification is a hint: it may be lost with a connection, or come twice, so consumers also poll.
   */
  listen(
    channel: string,
    onNotify: (payload: string) => void,
    signal: AbortSignal,
  ): Promise<Unlisten>
  close(): Promise<void>
}

/** Wakes the listeners of `channel` when the transaction commits. */
export async function notify(
  q: Queryable,
  channel: string,
  payload: string,
  signal: AbortSignal,
): Promise<void> {
  await q.query('select pg_notify($1, $2)', [channel, payload], signal)
}
