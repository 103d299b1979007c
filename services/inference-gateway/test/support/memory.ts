import { GENESIS, type LedgerEntry, link, verifyChain } from '@usdcop/decision/chain'
import type { EquityPoint } from '@usdcop/decision/execution'
import { ServiceError } from '@usdcop/service/errors'
import type { BarCommit, Ledger, Recorded, StoredAccount } from '../../src/ledger.ts'
import type { Outbox, OutboxEvent } from '../../src/outbox.ts'

/** What survives a crash: give the same memory to a second gateway. */
export interface Memory {
  readonly entries: LedgerEntry[]
  readonly accounts: Map<string, StoredAccount>
  readonly equity: (EquityPoint & { readonly symbol: string })[]
  readonly latencies: Map<number, number>
  readonly events: OutboxEvent[]
  cursor: number
  /** The online writer's place; events after it are not shown. */
  written: number
}

export function emptyMemory(): Memory {
  const empty = { entries: [], accounts: new Map(), equity: [], latencies: new Map(), events: [] }
  return { ...empty, cursor: 0, written: Number.MAX_SAFE_INTEGER }
}

export function memoryLedger(memory: Memory): Ledger {
  const read = <Content>(entry: LedgerEntry): Recorded<Content> => {
    const { body, kind: _kind, ...columns } = entry
    const { content } = JSON.parse(body) as { content: Content }
    const latencyMs = memory.latencies.get(entry.seq) ?? null
    return { ...columns, content, recordedAt: 0, latencyMs }
  }
  const head = () => memory.entries.at(-1) ?? GENESIS
  const ledger: Ledger = {
    account: async (symbol) => memory.accounts.get(symbol),
    symbols: async () => [...memory.accounts.keys()],
    async commitBar({ symbol, planned, account, entries, mark, latencyMs, position }: BarCommit) {
      if ((memory.accounts.get(symbol)?.version ?? 0) !== planned)
        throw new ServiceError('conflict', 'the account has moved')
      const linked = link(head(), entries)
      memory.entries.push(...linked)
      memory.accounts.set(symbol, {
        account: JSON.parse(JSON.stringify(account)) as typeof account,
        version: planned + 1,
      })
      memory.equity.push({ symbol, ...mark })
      const decision = linked.find(({ kind }) => kind === 'decision')
      if (decision !== undefined) memory.latencies.set(decision.seq, latencyMs)
      memory.cursor = position
      return linked
    },
    async append(entry) {
      const [linked] = link(head(), [entry])
      memory.entries.push(linked!)
      return linked!
    },
    async decision(id) {
      const found = memory.entries.find((entry) => entry.kind === 'decision' && entry.id === id)
      return found && read(found)
    },
    async decisionOf(symbol, barTime) {
      const all = await ledger.decisions({ symbol, limit: 1e9, before: undefined }, never)
      return all.find((one) => one.barTime === barTime && one.trigger === 'bar')
    },
    decisions: async ({ symbol, limit, before = Number.MAX_SAFE_INTEGER }) =>
      memory.entries
        .filter((entry) => entry.kind === 'decision' && entry.seq < before)
        .filter((entry) => symbol === undefined || entry.symbol === symbol)
        .toReversed()
        .slice(0, limit)
        .map((one) => read(one)),
    fills: async (symbol, since) =>
      memory.entries
        .filter((one) => one.kind === 'fill' && one.symbol === symbol && one.barTime >= since)
        .map((one) => read(one)),
    equity: async (symbol, since) =>
      memory.equity
        .filter((point) => point.symbol === symbol && point.barTime >= since)
        .map(({ symbol: _symbol, ...point }) => point),
    async verify() {
      const check = verifyChain(memory.entries)
      if (!check.ok) throw new ServiceError('ledger_broken', check.why)
    },
    ping: async () => {},
  }
  return ledger
}

const never = new AbortController().signal

export function memoryOutbox(memory: Memory): Outbox {
  return {
    cursor: async () => memory.cursor,
    async advance(position) {
      memory.cursor = position
    },
    pending: async (after, limit) =>
      memory.events.filter(({ id }) => id > after && id <= memory.written).slice(0, limit),
    watch: async () => async () => {},
  }
}
