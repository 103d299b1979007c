import { ServiceError } from '@usdcop/service/errors'
import type { Queryable } from './database.ts'
import { float8 } from './encode.ts'

/** One link of the ledger's chain, before it is stored. */
export interface LedgerDraft {
  /** 1 for the first entry, then without gaps. */
  readonly seq: number
  readonly kind: string
  readonly id: string
  readonly symbol: string
  /** Label of the bar it is about, epoch milliseconds. */
  readonly barTime: number
  /** `bar` entries are unique per symbol, bar and kind. */
  readonly trigger: string
  /** Canonical JSON, kept as the text that was hashed. */
  readonly body: string
  readonly prevHash: string
  readonly hash: string
  /** Wall time it took, null for what was not timed; no part of the chain. */
  readonly latencyMs: number | null
}

export interface LedgerEntry extends LedgerDraft {
  /** Wall time, epoch milliseconds; no part of the chain. */
  readonly recordedAt: number
}

export interface LedgerFilter {
  readonly symbol?: string
  readonly kind?: string
  readonly barTime?: number
  /** Only entries with a smaller seq: the page before. */
  readonly beforeSeq?: number
}

const COLUMNS = `seq, kind, id, symbol, ms_of(bar_time) as "barTime", trigger, body,
  prev_hash as "prevHash", hash, latency_ms as "latencyMs", ms_of(recorded_at) as "recordedAt"`

/**
 * Appends one entry behind the entry whose seq is one less and whose hash is `prevHash`. Throws
 * `conflict` when another writer was faster, or the bar already has an entry of this kind; the
 * transaction is then lost, and the caller reads the chain's end again.
 */
export async function appendLedger(
  tx: Queryable,
  draft: LedgerDraft,
  signal: AbortSignal,
): Promise<void> {
  const appended = await tx.query(
    `insert into ledger_entry (seq, kind, id, symbol, bar_time, trigger, body, prev_hash, hash,
       latency_ms)
     select $1::int8, $2, $3, $4, instant_of($5::int8), $6, $7, $8::text, $9, $10::float8
     where $1::int8 = 1
       or exists (select from ledger_entry where seq = $1::int8 - 1 and hash = $8::text)
     returning seq`,
    [
      draft.seq,
      draft.kind,
      draft.id,
      draft.symbol,
      draft.barTime,
      draft.trigger,
      draft.body,
      draft.prevHash,
      draft.hash,
      float8(draft.latencyMs),
    ],
    signal,
  )
  if (appended.length === 0)
    throw new ServiceError('conflict', `ledger entry ${draft.seq} does not follow the newest entry`)
}

/** The chain's end, or undefined in an empty ledger. */
export async function newestLedgerEntry(
  q: Queryable,
  signal: AbortSignal,
): Promise<LedgerEntry | undefined> {
  const [entry] = await q.query<LedgerEntry>(
    `select ${COLUMNS} from ledger_entry order by seq desc limit 1`,
    [],
    signal,
  )
  return entry
}

export async function readLedgerEntry(
  q: Queryable,
  id: string,
  signal: AbortSignal,
): Promise<LedgerEntry | undefined> {
  const [entry] = await q.query<LedgerEntry>(
    `select ${COLUMNS} from ledger_entry where id = $1`,
    [id],
    signal,
  )
  return entry
}

/** Entries that match, newest first. */
export async function listLedger(
  q: Queryable,
  { symbol, kind, barTime, beforeSeq }: LedgerFilter,
  limit: number,
  signal: AbortSignal,
): Promise<LedgerEntry[]> {
  return await q.query<LedgerEntry>(
    `select ${COLUMNS} from ledger_entry
     where ($1::text is null or symbol = $1::text)
       and ($2::text is null or kind = $2::text)
       and ($3::int8 is null or seq < $3::int8)
       and ($4::int8 is null or bar_time = instant_of($4::int8))
     order by seq desc limit $5::int8`,
    [symbol ?? null, kind ?? null, beforeSeq ?? null, barTime ?? null, limit],
    signal,
  )
}

/** Entries of one kind about bars from `sinceBarTime` on, oldest first. */
export async function readLedgerSince(
  q: Queryable,
  symbol: string,
  kind: string,
  sinceBarTime: number,
  signal: AbortSignal,
): Promise<LedgerEntry[]> {
  return await q.query<LedgerEntry>(
    `select ${COLUMNS} from ledger_entry
     where symbol = $1 and kind = $2 and ledger_entry.bar_time >= instant_of($3::int8) order by seq`,
    [symbol, kind, sinceBarTime],
    signal,
  )
}

/** The next entries after `afterSeq`, oldest first: what a check of the chain walks. */
export async function walkLedger(
  q: Queryable,
  afterSeq: number,
  limit: number,
  signal: AbortSignal,
): Promise<LedgerEntry[]> {
  return await q.query<LedgerEntry>(
    `select ${COLUMNS} from ledger_entry where seq > $1::int8 order by seq limit $2::int8`,
    [afterSeq, limit],
    signal,
  )
}
