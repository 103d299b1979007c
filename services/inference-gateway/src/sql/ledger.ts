import { accountSymbols, readAccount } from '@usdcop/database/accounts'
import type { Database, Queryable } from '@usdcop/database/database'
import { readEquitySince } from '@usdcop/database/equity'
import {
  appendLedger,
  type LedgerEntry as LedgerRow,
  listLedger,
  newestLedgerEntry,
  readLedgerEntry,
  readLedgerSince,
  walkLedger,
} from '@usdcop/database/ledger'
import { settleBar } from '@usdcop/database/settle'
import {
  type ChainHead,
  type EntryContent,
  GENESIS,
  type LedgerEntry,
  link,
  verifyChain,
} from '@usdcop/decision/chain'
import type { Account, Fill } from '@usdcop/decision/execution'
import { ServiceError } from '@usdcop/service/errors'
import type { Ledger, Recorded, StoredAccount } from '../ledger.ts'
import type { DecisionContent } from '../record.ts'
import { GATEWAY_CONSUMER } from './outbox.ts'

const VERIFY_PAGE = 1_000

/**
 * The gateway's record in SQL, on either driver.
 *
 * It remembers the chain's head and the accounts it has written, and the database judges both again
 * at every commit: where another process has written, the commit is a `conflict`, and what was
 * remembered is forgotten.
 */
export function createSqlLedger(database: Database): Ledger {
  const held = new Map<string, StoredAccount>()
  let head: ChainHead | undefined
  let turn: Promise<unknown> = Promise.resolve()

  /** One after another: two at once would link to the same head, and one of them fail. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => {})
    return done
  }

  async function inChain(
    contents: readonly EntryContent[],
    latencyMs: number | null,
    also: (tx: Queryable) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<readonly LedgerEntry[]> {
    const from = head
    head = undefined
    const linked = await database.transaction(async (tx) => {
      const entries = link(from ?? (await newestLedgerEntry(tx, signal)) ?? GENESIS, contents)
      for (const entry of entries) {
        const timed = entry.kind === 'decision' ? latencyMs : null
        await appendLedger(tx, { ...entry, latencyMs: timed }, signal)
      }
      await also(tx)
      return entries
    }, signal)
    head = linked.at(-1) ?? from
    return linked
  }

  return {
    async account(symbol, signal) {
      const known = held.get(symbol)
      if (known !== undefined) return known
      const stored = await readAccount<Account>(database, symbol, signal)
      return stored && { account: stored.state, version: stored.version }
    },
    symbols: (signal) => accountSymbols(database, signal),
    commitBar: ({ symbol, planned, account, entries, mark, latencyMs, position }, signal) =>
      inTurn(async () => {
        held.delete(symbol)
        const settlement = {
          state: account,
          expectedVersion: planned,
          mark: { symbol, ...mark },
          consumer: GATEWAY_CONSUMER,
          position,
        }
        const settle = (tx: Queryable) => settleBar(tx, settlement, signal)
        const linked = await inChain(entries, latencyMs, settle, signal)
        held.set(symbol, { account, version: planned + 1 })
        return linked
      }),
    async append(entry, signal) {
      const [appended] = await inTurn(() => inChain([entry], null, async () => {}, signal))
      return appended!
    },

    async decision(id, signal) {
      const row = await readLedgerEntry(database, id, signal)
      return row?.kind === 'decision' ? recorded<DecisionContent>(row) : undefined
    },
    async decisionOf(symbol, barTime, signal) {
      const [row] = await database.query<{ id: string }>(
        `select id from ledger_entry where symbol = $1 and bar_time = instant_of($2::int8)
           and kind = 'decision' and trigger = 'bar'`,
        [symbol, barTime],
        signal,
      )
      return row && (await this.decision(row.id, signal))
    },
    async decisions({ symbol, limit, before }, signal) {
      const filter = {
        kind: 'decision',
        ...(symbol !== undefined && { symbol }),
        ...(before !== undefined && { beforeSeq: before }),
      }
      const rows = await listLedger(database, filter, limit, signal)
      return rows.map((row) => recorded<DecisionContent>(row))
    },
    async fills(symbol, since, signal) {
      const rows = await readLedgerSince(database, symbol, 'fill', since, signal)
      return rows.map((row) => recorded<Fill>(row))
    },
    async equity(symbol, since, signal) {
      const points = await readEquitySince(database, symbol, since, signal)
      return points.map(({ symbol: _symbol, position, ...point }) => ({
        ...point,
        position: position as Account['position'],
      }))
    },
    async verify(signal) {
      let from = GENESIS
      for (;;) {
        const entries = await walkLedger(database, from.seq, VERIFY_PAGE, signal)
        const check = verifyChain(entries, from)
        if (!check.ok)
          throw new ServiceError('ledger_broken', `ledger entry ${check.brokenAt}: ${check.why}`)
        if (entries.length < VERIFY_PAGE) return
        from = check.head
      }
    },
    async ping(signal) {
      await database.query('select 1', [], signal)
    },
  }
}

function recorded<Content>(row: LedgerRow): Recorded<Content> {
  const { body, kind: _kind, ...columns } = row
  const { content } = JSON.parse(body) as { content: Content }
  return { ...columns, content }
}
