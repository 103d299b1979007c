import { loadReducerState } from '@usdcop/database/reducer-state'
import type { Bar } from '@usdcop/observation/bars'
import { describe, expect, test } from 'vitest'
import { backfill } from '../../src/backfill.ts'
import { at, barOf, barsOf, contract, EUR, MACRO, SESSIONS, USD } from './market.ts'
import { contentOf, createRig, live, type Rig, type Stores, signal } from './rig.ts'

const [FIRST, , THIRD, LAST] = SESSIONS
const DATASETS = ['bars', 'technical_features', 'macro_features']

const load = async ({ db, offline }: Rig, bars: readonly Bar[]) =>
  await backfill({ db, offline, contract }, { source: 'history', bars, macro: MACRO }, signal)

async function finish(rig: Rig): Promise<void> {
  rig.clock.advanceTo(at(LAST, '18:00'))
  await rig.seal()
}

/** What a reader of any store can see, and what the next row depends on. */
async function visible(rig: Rig) {
  const { db } = rig
  const sources = async (table: string) =>
    (await contentOf(db, table)).map(({ source: _from, ...row }) => row)
  const views = ['technical_features', 'macro_features']
  return {
    offline: await Promise.all(DATASETS.map(async (dataset) => await rig.sealed(dataset))),
    online: await Promise.all(
      [USD, EUR].flatMap((symbol) => views.map(async (view) => await rig.served(view, symbol))),
    ),
    state: await loadReducerState(db, contract.definitionHash, signal),
    bars: await sources('bar'),
    macro: await contentOf(db, 'macro_value'),
    rejected: await sources('rejected_bar_count'),
  }
}

/** A back-fill of a history, and what comes after it. */
export function historySuite(open: () => Promise<Stores>): void {
  const start = async () => await createRig(open, at(FIRST, '12:50'))
  const dirty = { ...barOf(FIRST, 5), high: 1 }
  const bars = barsOf(SESSIONS, [USD, EUR]).toSpliced(20, 0, dirty)

  describe.for([
    { name: 'at the end of a session', cut: 1 + 2 * 60 * 2 },
    { name: 'in the middle of a session', cut: 1 + 2 * 60 * 2 + 46 },
  ])('a back-fill that ends $name', ({ cut }) => {
    test('and a live continuation leave what one uninterrupted feed leaves', async () => {
      await using whole = await start()
      await whole.ingest().macro('feed', MACRO, signal)
      await live(whole, 'feed', bars)
      await finish(whole)

      await using parted = await start()
      const result = await load(parted, bars.slice(0, cut))
      expect(result).toEqual({ accepted: cut - 1, rejected: expect.objectContaining({ ohlc: 1 }) })
      await live(parted, 'feed', bars.slice(cut))
      await finish(parted)

      const expected = await visible(whole)
      expect(expected.offline.map((rows) => rows.length)).toEqual([480, 480, 8])
      expect(await visible(parted)).toEqual(expected)
      const cutAt = bars[cut]?.barTime ?? 0
      const rows = await contentOf(whole.db, 'feature_row')
      expect(await contentOf(parted.db, 'feature_row')).toEqual(
        rows.filter(({ bar_time }) => Date.parse(String(bar_time)) >= cutAt),
      )
    })
  })

  test('keeps the history of a session that a late bar of another symbol reopens', async () => {
    await using rig = await start()
    const history = barsOf([FIRST, THIRD])
    await load(rig, history)
    rig.clock.advanceTo(at(LAST, '18:00'))
    await rig.ingest().bars('feed', [barOf(FIRST, 3, EUR)], signal)
    expect(await rig.seal()).toEqual([FIRST])
    const rows = await rig.sealed('technical_features')
    expect(rows.filter((row) => row['symbol'] === USD)).toHaveLength(history.length)
    expect(rows.filter((row) => row['symbol'] === EUR)).toHaveLength(1)
  })

  test('is refused, and writes nothing, where anything was committed before', async () => {
    await using rig = await start()
    await live(rig, 'feed', [barOf(THIRD, 0)])
    const before = await contentOf(rig.db, 'checkpoint')
    await expect(load(rig, barsOf([FIRST]))).rejects.toMatchObject({ code: 'conflict' })
    expect(await contentOf(rig.db, 'checkpoint')).toEqual(before)
    expect(await rig.sealed('bars')).toEqual([])
  })

  test('is refused where another one committed while it ran', async () => {
    await using rig = await start()
    const offline = {
      ...rig.offline,
      history: async (...given: Parameters<typeof rig.offline.history>) => {
        await live(rig, 'feed', [barOf(FIRST, 0)])
        return await rig.offline.history(...given)
      },
    }
    await expect(load({ ...rig, offline }, barsOf([THIRD]))).rejects.toMatchObject({
      code: 'conflict',
    })
    expect(await contentOf(rig.db, 'bar')).toHaveLength(1)
  })
}
