import { readAccount, saveAccount } from '@usdcop/database/accounts'
import { newestBarTimes } from '@usdcop/database/bars'
import { advanceCursor } from '@usdcop/database/cursors'
import type { Database, Queryable } from '@usdcop/database/database'
import { insertEquityPoint, newestEquity } from '@usdcop/database/equity'
import {
  appendLedger,
  type LedgerEntry as LedgerRow,
  listLedger,
  newestLedgerEntry,
  readLedgerEntry,
} from '@usdcop/database/ledger'
import {
  type ChainHead,
  type EntryContent,
  GENESIS,
  type LedgerEntry,
  link,
} from '@usdcop/decision/chain'
import type { Account, Fill } from '@usdcop/decision/execution'
import type { Ledger, Recorded } from '../ledger.ts'
import type { DecisionContent } from '../record.ts'
import { GATEWAY_CONSUMER } from './outbox.ts'

/** No list the gateway shows goes further back. */
const MAX_SHOWN = 600

/** The gateway's record in SQL, on either driver. */
export function createSqlLedger(database: Database): Ledger {
  // Only a shortcut: `appendLedger` looks again, and refuses a head that is not the newest.
  let head: ChainHead | undefined

  async function inChain(
    contents: readonly EntryContent[],
    latencyMs: number | null,
    also: (tx: Queryable) => Promise<void>,
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
    head = linked.at(-1)
    return linked
  }

  return {
    async account(symbol, signal) {
      const stored = await readAccount<Account>(database, symbol, signal)
      return stored && { account: stored.state, version: stored.version }
    },
    async symbols(signal) {
      return (await newestBarTimes(database, signal)).map(({ symbol }) => symbol)
    },
    commitBar: ({ symbol, planned, account, entries, mark, latencyMs, position }, signal) =>
      inChain(
        entries,
        latencyMs,
        async (tx) => {
          await saveAccount(tx, symbol, account, planned, signal)
          await insertEquityPoint(tx, { symbol, ...mark }, signal)
          await advanceCursor(tx, GATEWAY_CONSUMER, position, signal)
        },
        signal,
      ),
    async append(entry, signal) {
      const [appended] = await inChain([entry], null, async () => {}, signal)
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
      const rows = await listLedger(database, { symbol, kind: 'fill' }, MAX_SHOWN, signal)
      return rows
        .filter(({ barTime }) => barTime >= since)
        .map((row) => recorded<Fill>(row))
        .toReversed()
    },
    async equity(symbol, since, signal) {
      const points = await newestEquity(database, symbol, MAX_SHOWN, signal)
      return points
        .filter(({ barTime }) => barTime >= since)
        .map(({ symbol: _symbol, position, ...point }) => ({
          ...point,
          position: position as Account['position'],
        }))
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
