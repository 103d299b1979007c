import { readCursor } from '@usdcop/database/cursors'
import { readOutbox } from '@usdcop/database/outbox'
import { loadReducerState } from '@usdcop/database/reducer-state'
import { readSeals } from '@usdcop/database/sealed-sessions'
import { Reducer } from '@usdcop/observation/reducer'
import { expect, test } from 'vitest'
import { type BarClosed, TECHNICAL_FEATURES } from '../../src/bar-closed.ts'
import type { OfflineWriter } from '../../src/offline.ts'
import { ONLINE_WRITER } from '../../src/online-writer.ts'
import {
  at,
  barOf,
  barsOf,
  changedContract,
  contract,
  EUR,
  MACRO,
  SESSIONS,
  USD,
} from './market.ts'
import { contentOf, createRig, failingOn, live, type Rig, type Stores, signal } from './rig.ts'

const [FIRST, SECOND] = SESSIONS
const TABLES = [
  'bar',
  'checkpoint',
  'feature_row',
  'macro_value',
  'outbox',
  'reducer_state',
  'rejected_bar_count',
  'sealed_session',
]

const everything = async ({ db }: Rig) =>
  Object.fromEntries(
    await Promise.all(TABLES.map(async (table) => [table, await contentOf(db, table)] as const)),
  )

const bits = (values: readonly unknown[]) =>
  Buffer.from(Float64Array.from(values, (value) => value as number).buffer).toString('hex')

/** What holds over any pair of a database and an online store. */
export function storeSuite(open: () => Promise<Stores>): void {
  const start = async (time = at(FIRST, '18:00')) => await createRig(open, time)

  test.for([
    'insert into checkpoint',
    'insert into bar',
    'insert into rejected_bar_count',
    'insert into feature_row',
    'delete from sealed_session',
    'insert into reducer_state',
    'insert into outbox',
  ])('commits nothing of a batch whose "%s" fails, and takes it whole later', async (statement) => {
    await using rig = await start()
    const before = await everything(rig)
    const batch = [barOf(FIRST, 0), { ...barOf(FIRST, 1), close: -1 }, barOf(FIRST, 2)]
    const broken = rig.ingest({ db: failingOn(rig.db, new RegExp(statement)) })
    await expect(broken.bars('feed', batch, signal)).rejects.toThrow('the disk is full')
    expect(await everything(rig)).toEqual(before)

    const outcomes = await rig.ingest().bars('feed', batch, signal)
    expect(outcomes.map(({ status }) => status)).toEqual(['accepted', 'rejected', 'accepted'])
    expect(await contentOf(rig.db, 'outbox')).toHaveLength(2)
    expect(await contentOf(rig.db, 'rejected_bar_count')).toEqual([
      { source: 'feed', reason: 'non_positive', count: 1 },
    ])
  })

  test('puts events into the outbox in the order of the bars, whole in themselves', async () => {
    await using rig = await start()
    const bars = barsOf([FIRST], [USD, EUR]).slice(0, 8)
    const ingest = rig.ingest()
    await Promise.all([
      ingest.bars('feed', bars.slice(0, 3), signal),
      ingest.bars('feed', bars.slice(3), signal),
    ])
    const events = await readOutbox(rig.db, 0, 100, null, signal)
    expect(events.map(({ topic }) => topic)).toEqual(bars.map(() => 'bar_closed'))
    expect(
      events.map(({ payload }) => {
        const { symbol, barTime, open, high, low, close } = payload as BarClosed
        return { symbol, barTime, open, high, low, close }
      }),
    ).toEqual(bars)
  })

  test('serves the rows of the reducer bit for bit', async () => {
    await using rig = await start(at(FIRST, '12:50'))
    await rig.ingest().macro('desk', MACRO, signal)
    const bars = barsOf([FIRST])
    await live(rig, 'feed', bars)
    const reducer = new Reducer(contract)
    for (const value of MACRO) reducer.macro.publish(value)
    const row = bars.map((bar) => reducer.step(bar)).at(-1)
    if (row?.kind !== 'accepted') throw new Error('the last bar was not accepted')
    const market = [...row.row.market]
    expect(market.some(Number.isNaN)).toBe(false)

    const technical = await rig.served('technical_features', USD)
    const macro = await rig.served('macro_features', USD)
    const valuesOf = (stored: typeof technical) =>
      stored?.values.map((value) => (value?.type === 'DOUBLE' ? value.value : null)) ?? []
    expect(bits(valuesOf(technical))).toBe(bits(market.slice(0, TECHNICAL_FEATURES)))
    expect(bits(valuesOf(macro))).toBe(bits(market.slice(TECHNICAL_FEATURES)))
    expect([technical?.eventTimestamp, macro?.eventTimestamp]).toEqual([
      at(FIRST, '18:00'),
      at(FIRST, '12:50'),
    ])
  })

  test('writes online rows again after a crash before the cursor moved, to the same end', async () => {
    await using rig = await start()
    await rig.ingest().bars('feed', barsOf([FIRST]).slice(0, 5), signal)
    const crashing = rig.onlineWriter(failingOn(rig.db, /insert into consumer_cursor/))
    await expect(crashing.write(signal)).rejects.toThrow('the disk is full')
    const written = await rig.served('technical_features', USD)
    expect(written?.eventTimestamp).toBe(at(FIRST, '13:25'))
    expect(await readCursor(rig.db, ONLINE_WRITER, signal)).toBe(0)

    expect(await rig.onlineWriter().write(signal)).toBe(5)
    expect(await rig.served('technical_features', USD)).toEqual(written)
    const [last] = (await readOutbox(rig.db, 0, 5, null, signal)).slice(-1)
    expect(await readCursor(rig.db, ONLINE_WRITER, signal)).toBe(last?.id)
    expect(await rig.onlineWriter().write(signal)).toBe(0)
  })

  test('seals a session when it is over, not before, and again after a late row', async () => {
    await using rig = await start(at(FIRST, '12:50'))
    const bars = barsOf([FIRST])
    await live(rig, 'feed', bars.slice(0, -1))
    expect(await rig.seal()).toEqual([])
    await live(rig, 'feed', bars.slice(-1))
    expect(await rig.seal()).toEqual([FIRST])
    expect(await rig.seal()).toEqual([])
    const labels = async () =>
      (await rig.sealed('bars')).map((row) => [row['symbol'], row['close']])
    expect(await labels()).toEqual(bars.map(({ symbol, close }) => [symbol, close]))
    expect(await rig.sealed('technical_features')).toHaveLength(60)
    expect(await rig.sealed('macro_features')).toHaveLength(1)

    const late = barOf(FIRST, 7, EUR)
    await rig.ingest().bars('feed', [late], signal)
    expect(await rig.seal()).toEqual([FIRST])
    expect(await labels()).toEqual(
      bars.flatMap((bar) =>
        bar.barTime === late.barTime
          ? [
              [EUR, late.close],
              [USD, bar.close],
            ]
          : [[USD, bar.close]],
      ),
    )
    expect(await readSeals(rig.db, 'technical_features', signal)).toMatchObject([
      { session: FIRST, rows: 61 },
    ])
  })

  test('does not call a session sealed that got a row while it was written', async () => {
    await using rig = await start()
    const ingest = rig.ingest()
    await ingest.bars('feed', barsOf([FIRST]), signal)
    const overtaken: OfflineWriter = {
      ...rig.offline,
      async session(...given) {
        const seals = await rig.offline.session(...given)
        await ingest.bars('feed', [barOf(FIRST, 0, EUR)], signal)
        return seals
      },
    }
    expect(await rig.seal(overtaken)).toEqual([])
    expect(await rig.seal()).toEqual([FIRST])
    expect(await rig.sealed('bars')).toHaveLength(61)
  })

  test('lets one of two materializers commit; the other hears of a conflict and goes on', async () => {
    await using rig = await start()
    const first = rig.ingest()
    const second = rig.ingest()
    await second.bars('feed', [], signal)
    await first.bars('feed', [barOf(FIRST, 0)], signal)
    await expect(second.bars('feed', [barOf(FIRST, 1)], signal)).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await second.bars('feed', [barOf(FIRST, 0), barOf(FIRST, 1)], signal)).toEqual([
      { status: 'rejected', reason: 'duplicate' },
      { status: 'accepted' },
    ])
    const reducer = new Reducer(contract)
    reducer.step(barOf(FIRST, 0))
    reducer.step(barOf(FIRST, 1))
    const { symbols } = await loadReducerState(rig.db, contract.definitionHash, signal)
    expect(symbols.get(USD)).toEqual(reducer.saveSymbol(USD))
  })

  test('shows a macro correction online from the next bar on, under its own instant', async () => {
    await using rig = await start(at(FIRST, '12:50'))
    await rig.ingest().macro('desk', MACRO, signal)
    await live(rig, 'feed', [barOf(FIRST, 0)])
    const before = await rig.served('macro_features', USD)
    expect(before?.eventTimestamp).toBe(at(FIRST, '12:50'))
    rig.clock.advanceTo(at(FIRST, '13:07'))
    const newest = MACRO.filter(({ series }) => series === 'dxy').at(-1)
    if (newest === undefined) throw new Error('no value to correct')
    const corrected = { ...newest, value: newest.value + 1 }
    expect(await rig.ingest().macro('desk', [corrected], signal)).toEqual([{ status: 'corrected' }])
    await live(rig, 'feed', [barOf(FIRST, 1), barOf(FIRST, 2)])

    const reducer = new Reducer(contract)
    for (const value of [...MACRO, corrected]) reducer.macro.publish(value)
    const { values } = reducer.macro.viewAt(at(FIRST, '13:10'))
    expect(await rig.served('macro_features', USD)).toEqual({
      eventTimestamp: at(FIRST, '13:07'),
      values: [...values].map((value) => ({ type: 'DOUBLE', value })),
    })
    rig.clock.advanceTo(at(FIRST, '18:00'))
    await rig.seal()
    const sealed = await rig.sealed('macro_features')
    expect(sealed.map((row) => row['event_timestamp'])).toEqual([
      at(FIRST, '12:50'),
      at(FIRST, '13:07'),
    ])
  })

  test('does not continue the state of another definition', async () => {
    await using rig = await start()
    const bars = barsOf([FIRST]).slice(0, 3)
    await rig.ingest().bars('feed', bars, signal)
    const old = await loadReducerState(rig.db, contract.definitionHash, signal)
    const outcomes = await rig.ingest({ contract: changedContract }).bars('feed', bars, signal)
    expect(outcomes.map(({ status }) => status)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(await loadReducerState(rig.db, contract.definitionHash, signal)).toEqual(old)
    expect(await contentOf(rig.db, 'feature_row')).toHaveLength(6)
    await rig.ingest().bars('feed', [barOf(FIRST, 3), barOf(SECOND, 0)], signal)
    const { symbols } = await loadReducerState(rig.db, changedContract.definitionHash, signal)
    expect(symbols.size).toBe(1)
  })
}
