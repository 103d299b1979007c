import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from './canonical.ts'

/** What came before the first entry. */
export const GENESIS_HASH = '0'.repeat(64)

export type EntryKind = 'decision' | 'fill' | 'expiry'

/** What an entry records: domain content only, never wall times, latencies or trace ids. */
export interface EntryContent {
  readonly kind: EntryKind
  readonly symbol: string
  /** Label of the bar it belongs to, epoch ms. */
  readonly barTime: number
  /** What brought it about; a bar has at most one entry of a kind under the trigger `bar`. */
  readonly trigger: string
  readonly content: Json
}

/**
 * One link. `body` is canonical JSON and repeats every other column, so that a column cannot be
 * edited alone; `hash` is SHA-256 over the bytes of `prevHash` and then of `body`, in hex.
 */
export interface LedgerEntry {
  readonly seq: number
  readonly kind: string
  readonly id: string
  readonly symbol: string
  readonly barTime: number
  readonly trigger: string
  readonly body: string
  readonly prevHash: string
  readonly hash: string
}

/** The chain's end: where the next entry is linked. */
export interface ChainHead {
  readonly seq: number
  readonly hash: string
}

export const GENESIS: ChainHead = { seq: 0, hash: GENESIS_HASH }

/** The id of an entry follows from its place, so that a repeated run writes the same ledger. */
export function entryId(kind: EntryKind, seq: number): string {
  return `${kind}-${seq}`
}

/** Links contents to the head, in order. */
export function link(head: ChainHead, contents: readonly EntryContent[]): readonly LedgerEntry[] {
  let { seq, hash: prevHash } = head
  return contents.map(({ kind, symbol, barTime, trigger, content }) => {
    seq += 1
    const id = entryId(kind, seq)
    const body = canonicalJson({ seq, kind, id, symbol, barTime, trigger, content })
    const hash = hashOf(prevHash, body)
    const entry = { seq, kind, id, symbol, barTime, trigger, body, prevHash, hash }
    prevHash = hash
    return entry
  })
}

export type ChainCheck =
  | { readonly ok: true; readonly head: ChainHead }
  | { readonly ok: false; readonly brokenAt: number; readonly why: string }

/** Follows a chain from a head it trusts; names the first entry that does not hold. */
export function verifyChain(entries: Iterable<LedgerEntry>, from: ChainHead = GENESIS): ChainCheck {
  let head = from
  for (const entry of entries) {
    const why = fault(entry, head)
    if (why !== undefined) return { ok: false, brokenAt: head.seq + 1, why }
    head = { seq: entry.seq, hash: entry.hash }
  }
  return { ok: true, head }
}

const COLUMNS = ['seq', 'kind', 'id', 'symbol', 'barTime', 'trigger'] as const

function fault(entry: LedgerEntry, head: ChainHead): string | undefined {
  if (entry.seq !== head.seq + 1) return 'the sequence is broken'
  if (entry.prevHash !== head.hash) return 'it is not linked to the entry before'
  if (entry.hash !== hashOf(entry.prevHash, entry.body)) return 'its hash is not that of its body'
  const told = JSON.parse(entry.body) as Record<string, unknown>
  const same = COLUMNS.every((column) => told[column] === entry[column])
  return same ? undefined : 'a column differs from its body'
}

function hashOf(prevHash: string, body: string): string {
  return createHash('sha256').update(Buffer.from(prevHash, 'hex')).update(body).digest('hex')
}
