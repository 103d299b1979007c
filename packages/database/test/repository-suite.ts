import { insertBars, newestBars, readBars } from '@usdcop/database/bars'
import { advanceCheckpoint, readCheckpoint, saveCheckpoint } from '@usdcop/database/checkpoint'
import { advanceCursor, readCursor } from '@usdcop/database/cursors'
import type { Database } from '@usdcop/database/database'
import {
  type FeatureRecord,
  insertFeatureRows,
  newestFeatureRow,
  readFeaturePage,
  readSessionRows,
  unsealedSessions,
} from '@usdcop/database/feature-rows'
import { readMacroValues, upsertMacroValues } from '@usdcop/database/macro-values'
import { migrate } from '@usdcop/database/migrate'
import {
  APPENDED,
  appendOutbox,
  newestOutboxId,
  OUTBOX_CHANNEL,
  readOutbox,
} from '@usdcop/database/outbox'
import { loadReducerState, saveMacroState, saveSymbolState } from '@usdcop/database/reducer-state'
import { countRejections, readRejections } from '@usdcop/database/rejections'
import { readSeals, recordSeals } from '@usdcop/database/sealed-sessions'
import { afterAll, beforeAll, expect, test } from 'vitest'

const signal = AbortSignal.timeout(120_000)
const BAR_MS = 300_000
const START = Date.parse('2024-02-29T13:00:00Z')

const barAt = (symbol: string, index: number) => ({
  symbol,
  barTime: START + index * BAR_MS,
  session: '2024-02-29',
  open: 3900 + index / 3,
  high: 3901 + index / 3,
  low: 3899 + index / 3,
  close: 3900.1 + index / 7,
})

const rowAt = (symbol: string, index: number, session = '2024-02-29'): FeatureRecord => ({
  symbol,
  barTime: Date.parse(`${session}T13:00:00Z`) + index * BAR_MS,
  availableAt: Date.parse(`${session}T13:05:00Z`) + index * BAR_MS,
  session,
  market: Float64Array.from({ length: 13 }, (_, i) => (i === 6 ? Number.NaN : (index - i) / 7)),
  timeNormalized: index / 59,
  gapBars: index % 3,
  flags: index === 0 ? ['warmup', 'gap'] : [],
  macroAgeMs: index === 0 ? Number.NaN : 86_400_000 + index,
  macroReleasedAt: Date.parse(`${session}T12:50:00Z`),
})

/** The materializer's side of the schema; every test keeps to names of its own. */
export function repositorySuite(open: () => Promise<Database>): void {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await migrate(db, signal)
  }, 120_000)
  afterAll(async () => await db.close())

  test('keeps bars exactly, the first of a bar time standing', async () => {
    const bars = Array.from({ length: 5 }, (_, i) => barAt('BARS', i))
    expect(await insertBars(db, 'csv', bars, signal)).toBe(5)
    const again = { ...barAt('BARS', 4), close: 1 }
    expect(await insertBars(db, 'csv', [again, barAt('BARS', 5)], signal)).toBe(1)
    expect(await insertBars(db, 'csv', [], signal)).toBe(0)
    expect(await newestBars(db, 'BARS', 3, signal)).toEqual([3, 4, 5].map((i) => barAt('BARS', i)))
    expect(await readBars(db, 'BARS', START, START + 2 * BAR_MS, signal)).toEqual(bars.slice(0, 2))
  })

  test('keeps instants to the millisecond, before and after 1970', async () => {
    const times = [-1, 0, 1, 1_709_211_600_123, 4_102_444_799_999]
    const bars = times.map((barTime) => ({ ...barAt('MS', 0), barTime }))
    await insertBars(db, 'csv', bars, signal)
    const read = await newestBars(db, 'MS', 10, signal)
    expect(read.map((bar) => bar.barTime)).toEqual(times)
  })

  test('adds up rejections by source and reason', async () => {
    await countRejections(
      db,
      'csv',
      new Map([
        ['holiday', 2],
        ['ohlc', 0],
      ]),
      signal,
    )
    await countRejections(
      db,
      'csv',
      new Map([
        ['holiday', 3],
        ['weekend', 1],
      ]),
      signal,
    )
    await countRejections(db, 'api', new Map([['holiday', 7]]), signal)
    await countRejections(db, 'api', new Map(), signal)
    expect(await readRejections(db, signal)).toEqual([
      { source: 'api', reason: 'holiday', count: 7 },
      { source: 'csv', reason: 'holiday', count: 5 },
      { source: 'csv', reason: 'weekend', count: 1 },
    ])
  })

  test('keeps the newest value of a macro date and counts its corrections', async () => {
    await upsertMacroValues(db, [{ series: 'vix', date: '2024-02-28', value: 13.84 }], signal)
    const corrected = [
      { series: 'vix', date: '2024-02-28', value: 13.84 },
      { series: 'dxy', date: '2024-02-28', value: 1 },
      { series: 'dxy', date: '2024-02-28', value: 103.98 },
    ]
    await upsertMacroValues(db, corrected, signal)
    await upsertMacroValues(db, [{ series: 'dxy', date: '2024-02-28', value: 104 }], signal)
    await upsertMacroValues(db, [], signal)
    expect(await readMacroValues(db, signal)).toEqual([
      { series: 'dxy', date: '2024-02-28', value: 104 },
      { series: 'vix', date: '2024-02-28', value: 13.84 },
    ])
    expect(
      await db.query('select series, revision from macro_value order by 1', [], signal),
    ).toEqual([
      { series: 'dxy', revision: 2 },
      { series: 'vix', revision: 1 },
    ])
  })

  test('keeps feature rows whole, missing values included, by definition', async () => {
    const rows = [rowAt('A', 0), rowAt('B', 0), rowAt('A', 1), rowAt('A', 0, '2024-03-01')]
    expect(await insertFeatureRows(db, 'whole', rows, signal)).toBe(4)
    expect(await insertFeatureRows(db, 'whole', rows.slice(0, 1), signal)).toBe(0)
    expect(await insertFeatureRows(db, 'whole', [], signal)).toBe(0)
    expect(await readSessionRows(db, 'whole', '2024-02-29', signal)).toEqual(rows.slice(0, 3))
    expect(await newestFeatureRow(db, 'whole', 'A', signal)).toEqual(rows[3])
    expect(await newestFeatureRow(db, 'other', 'A', signal)).toBeUndefined()
  })

  test('pages through rows in bar time and symbol order, each once', async () => {
    const rows = Array.from({ length: 7 }, (_, i) => [rowAt('A', i), rowAt('B', i)]).flat()
    await insertFeatureRows(db, 'paged', rows.toReversed(), signal)
    const read: FeatureRecord[] = []
    for (;;) {
      const page = await readFeaturePage(db, 'paged', read.at(-1) ?? null, 3, signal)
      if (page.length === 0) break
      read.push(...page)
    }
    expect(read).toEqual(rows)
  })

  test('takes thousands of rows in one statement', async () => {
    const rows = Array.from({ length: 5_000 }, (_, i) => rowAt('MANY', i))
    expect(await insertFeatureRows(db, 'many', rows, signal)).toBe(5_000)
    expect(await newestFeatureRow(db, 'many', 'MANY', signal)).toEqual(rows.at(-1))
  })

  test('lists the sessions a dataset has not sealed yet', async () => {
    const days = ['2024-03-04', '2024-03-05', '2024-03-06']
    await insertFeatureRows(
      db,
      'seals',
      days.map((day) => rowAt('A', 1, day)),
      signal,
    )
    const seal = { dataset: 'tech', session: '2024-03-05', file: 'tech/a.parquet', rows: 1 }
    await recordSeals(db, [{ ...seal, rows: 9 }], signal)
    await recordSeals(db, [seal], signal)
    await recordSeals(db, [], signal)
    expect(await unsealedSessions(db, 'seals', 'tech', signal)).toEqual([
      '2024-03-04',
      '2024-03-06',
    ])
    expect(await unsealedSessions(db, 'seals', 'macro', signal)).toEqual(days)
    expect(await readSeals(db, 'tech', signal)).toEqual([seal])
  })

  test('keeps the reducer state of each definition apart', async () => {
    const bytes = (n: number) => new Uint8Array([0, n, 255])
    expect(await loadReducerState(db, 'v1', signal)).toEqual({
      macro: undefined,
      symbols: new Map(),
    })
    await saveSymbolState(db, 'v1', 'USD/COP', bytes(1), signal)
    await saveSymbolState(db, 'v1', 'USD/COP', bytes(2), signal)
    await saveSymbolState(db, 'v1', 'macro', bytes(3), signal)
    await saveMacroState(db, 'v1', bytes(4), signal)
    await saveSymbolState(db, 'v2', 'USD/COP', bytes(5), signal)
    expect(await loadReducerState(db, 'v1', signal)).toEqual({
      macro: bytes(4),
      symbols: new Map([
        ['USD/COP', bytes(2)],
        ['macro', bytes(3)],
      ]),
    })
  })

  test('keeps a checkpoint for each source', async () => {
    expect(await readCheckpoint(db, 'file', signal)).toBeUndefined()
    await saveCheckpoint(db, 'file', { barTime: null, position: 3 }, signal)
    expect(await readCheckpoint(db, 'file', signal)).toEqual({ barTime: null, position: 3 })
    await saveCheckpoint(db, 'file', { barTime: START, position: 10 }, signal)
    expect(await readCheckpoint(db, 'file', signal)).toEqual({ barTime: START, position: 10 })
  })

  test('adds to a checkpoint what a batch consumed', async () => {
    await advanceCheckpoint(db, 'feed', { barTime: null, rows: 2 }, signal)
    expect(await readCheckpoint(db, 'feed', signal)).toEqual({ barTime: null, position: 2 })
    await advanceCheckpoint(db, 'feed', { barTime: START + BAR_MS, rows: 1 }, signal)
    await advanceCheckpoint(db, 'feed', { barTime: START, rows: 3 }, signal)
    await advanceCheckpoint(db, 'feed', { barTime: null, rows: 1 }, signal)
    expect(await readCheckpoint(db, 'feed', signal)).toEqual({
      barTime: START + BAR_MS,
      position: 7,
    })
  })

  test('numbers outbox events in order, wakes listeners, and shows them behind a consumer only', async () => {
    const woken = Promise.withResolvers<string>()
    const unlisten = await db.listen(OUTBOX_CHANNEL, woken.resolve, signal)
    const before = await newestOutboxId(db, signal)
    const drafts = [1.1, 2, 3].map((n) => ({ topic: 'bar_closed', payload: { n, none: null } }))
    const ids = await db.transaction(async (tx) => await appendOutbox(tx, drafts, signal), signal)
    const [first = 0, second = 0, third = 0] = ids
    expect(first < second && second < third && third === (await newestOutboxId(db, signal))).toBe(
      true,
    )
    expect(await woken.promise).toBe(APPENDED)
    await unlisten()

    const recordedAt: unknown = expect.any(Number)
    expect(await readOutbox(db, before, 2, null, signal)).toEqual([
      { id: first, ...drafts[0], recordedAt },
      { id: second, ...drafts[1], recordedAt },
    ])
    expect(await readOutbox(db, before, 10, 'writer', signal)).toEqual([])
    const moved = Promise.withResolvers<string>()
    const deafen = await db.listen(OUTBOX_CHANNEL, moved.resolve, signal)
    await advanceCursor(db, 'writer', second, signal)
    expect(await moved.promise).toBe('writer')
    await deafen()
    const behind = await readOutbox(db, first, 10, 'writer', signal)
    expect(behind.map((event) => event.id)).toEqual([second])
    expect(await appendOutbox(db, [], signal)).toEqual([])
  })

  test('makes the order of outbox ids the order of commits', async () => {
    const held = Promise.withResolvers<void>()
    const appended = Promise.withResolvers<number>()
    const append = async (tx: Parameters<typeof appendOutbox>[0]) =>
      (await appendOutbox(tx, [{ topic: 'order', payload: 1 }], signal))[0] ?? 0
    const slow = db.transaction(async (tx) => {
      appended.resolve(await append(tx))
      await held.promise
    }, signal)
    const first = await appended.promise
    const quick = db.transaction(append, signal)
    held.resolve()
    await slow
    expect(await quick).toBeGreaterThan(first)
  })

  test('never moves a cursor back', async () => {
    expect(await readCursor(db, 'reader', signal)).toBe(0)
    await advanceCursor(db, 'reader', 7, signal)
    await advanceCursor(db, 'reader', 5, signal)
    expect(await readCursor(db, 'reader', signal)).toBe(7)
  })
}
