import { accountSymbols, readAccount } from '@usdcop/database/accounts'
import { readCursor } from '@usdcop/database/cursors'
import type { Database } from '@usdcop/database/database'
import { newestEquity, readEquitySince } from '@usdcop/database/equity'
import {
  appendLedger,
  type LedgerDraft,
  listLedger,
  newestLedgerEntry,
  readLedgerEntry,
  readLedgerSince,
  walkLedger,
} from '@usdcop/database/ledger'
import { migrate } from '@usdcop/database/migrate'
import { type Settlement, settleBar } from '@usdcop/database/settle'
import { afterAll, beforeAll, expect, test } from 'vitest'

const signal = AbortSignal.timeout(120_000)
const START = Date.parse('2024-02-29T13:00:00Z')
const BAR_MS = 300_000

const draft = (seq: number, over: Partial<LedgerDraft> = {}): LedgerDraft => ({
  seq,
  kind: 'decision',
  id: `decision-${seq}`,
  symbol: 'USD/COP',
  barTime: START + seq * BAR_MS,
  trigger: 'bar',
  body: `{"seq":${seq},"text":"é \\"quoted\\""}`,
  prevHash: `hash-${seq - 1}`,
  hash: `hash-${seq}`,
  latencyMs: 0.25,
  ...over,
})

/** The gateway's side of the schema. The chain grows from test to test. */
export function ledgerSuite(open: () => Promise<Database>): void {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await migrate(db, signal)
  }, 120_000)
  afterAll(async () => await db.close())

  const append = async (entry: LedgerDraft) =>
    await db.transaction(async (tx) => await appendLedger(tx, entry, signal), signal)

  test('grows a chain entry by entry, and reads each back as it was hashed', async () => {
    expect(await newestLedgerEntry(db, signal)).toBeUndefined()
    const chain = [
      draft(1),
      draft(2, { kind: 'fill', id: 'fill-2', latencyMs: null }),
      draft(3, { symbol: 'EUR/COP' }),
      draft(4, { trigger: 'request' }),
    ]
    for (const entry of chain) await append(entry)
    const walked = await walkLedger(db, 0, 10, signal)
    expect(walked).toEqual(chain.map((entry) => ({ ...entry, recordedAt: expect.any(Number) })))
    expect(await newestLedgerEntry(db, signal)).toEqual(walked[3])
    expect(await readLedgerEntry(db, 'fill-2', signal)).toEqual(walked[1])
    expect(await readLedgerEntry(db, 'none', signal)).toBeUndefined()
  })

  test.for([
    { name: 'a sequence number that is taken', entry: draft(4, { id: 'x', hash: 'x' }) },
    { name: 'a gap in the sequence', entry: draft(6) },
    { name: 'a link to another entry than the newest', entry: draft(5, { prevHash: 'hash-3' }) },
    { name: 'a second first entry', entry: draft(1, { id: 'y', hash: 'y', prevHash: 'z' }) },
    { name: 'an id that is taken', entry: draft(5, { id: 'decision-4' }) },
    {
      name: 'a second decision for a bar that asked for one',
      entry: draft(5, { barTime: START + BAR_MS }),
    },
  ])('refuses $name as a conflict, and the chain stays as it was', async ({ entry }) => {
    await expect(append(entry)).rejects.toMatchObject({ code: 'conflict' })
    expect((await newestLedgerEntry(db, signal))?.seq).toBe(4)
  })

  test('lets a caller ask again about a bar that was decided', async () => {
    await append(draft(5, { trigger: 'request', barTime: START + BAR_MS }))
    const about = { kind: 'decision', symbol: 'USD/COP', barTime: START + BAR_MS }
    const seqs = (await listLedger(db, about, 10, signal)).map((entry) => entry.seq)
    expect(seqs).toEqual([5, 1])
  })

  test('lists newest first, by symbol, kind and page', async () => {
    const seqs = async (filter: Parameters<typeof listLedger>[1], limit = 10) =>
      (await listLedger(db, filter, limit, signal)).map((entry) => entry.seq)
    expect([
      await seqs({}),
      await seqs({ symbol: 'USD/COP' }, 2),
      await seqs({ symbol: 'USD/COP', beforeSeq: 4 }),
      await seqs({ kind: 'fill' }),
    ]).toEqual([[5, 4, 3, 2, 1], [5, 4], [2, 1], [2]])
    const since = await readLedgerSince(db, 'USD/COP', 'decision', START + 2 * BAR_MS, signal)
    expect(since.map((entry) => entry.seq)).toEqual([4])
  })

  test.for([
    'update ledger_entry set body = body',
    'delete from ledger_entry',
    'truncate ledger_entry',
  ])('refuses to %s', async (sql) => {
    await expect(db.query(sql, [], signal)).rejects.toThrow('ledger entries are never changed')
  })

  const settlement = (i: number, over: Partial<Settlement> = {}): Settlement => ({
    state: { position: 1, cash: 449_999_999.1 + i, pending: null },
    expectedVersion: i,
    mark: {
      symbol: 'USD/COP',
      barTime: START + i * BAR_MS,
      availableAt: START + (i + 1) * BAR_MS,
      position: i - 1,
      cash: 450_000_000 - i / 3,
      equity: 450_000_000 + i / 7,
      close: 3900 + i / 10,
    },
    consumer: 'gateway',
    position: i + 7,
    ...over,
  })

  test('settles a bar only on the account it was planned on', async () => {
    const refused = async (one: Settlement) =>
      await expect(settleBar(db, one, signal)).rejects.toMatchObject({ code: 'conflict' })
    expect(await readAccount(db, 'USD/COP', signal)).toBeUndefined()
    await refused(settlement(1))
    for (const i of [0, 1, 2]) expect(await settleBar(db, settlement(i), signal)).toBe(i + 1)
    await refused(settlement(0))
    await refused(settlement(2))
    await refused(settlement(4))
    const { state } = settlement(2)
    expect(await readAccount(db, 'USD/COP', signal)).toEqual({ state, version: 3 })
    expect(await accountSymbols(db, signal)).toEqual(['USD/COP'])
    expect(await readCursor(db, 'gateway', signal)).toBe(9)
  })

  test('marks each bar once and reads the curve oldest first', async () => {
    const again = { ...settlement(3), mark: settlement(2).mark }
    await expect(settleBar(db, again, signal)).rejects.toMatchObject({ code: 'conflict' })
    const points = [1, 2].map((i) => settlement(i).mark)
    expect(await newestEquity(db, 'USD/COP', 2, signal)).toEqual(points)
    expect(await readEquitySince(db, 'USD/COP', START + BAR_MS, signal)).toEqual(points)
    expect((await readAccount(db, 'USD/COP', signal))?.version).toBe(3)
  })

  test('never moves a cursor back', async () => {
    await settleBar(db, settlement(3, { position: 1 }), signal)
    expect(await readCursor(db, 'gateway', signal)).toBe(9)
  })

  test('commits ledger, account, equity and cursor together or not at all', async () => {
    const work = db.transaction(async (tx) => {
      await appendLedger(tx, draft(6), signal)
      await settleBar(tx, settlement(99), signal)
    }, signal)
    await expect(work).rejects.toMatchObject({ code: 'conflict' })
    expect((await newestLedgerEntry(db, signal))?.seq).toBe(5)
  })
}
