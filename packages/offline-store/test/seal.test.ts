import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Dataset, macroReleases } from '@usdcop/offline-store/datasets'
import { type OfflineRow, type ReadFilter, readRows } from '@usdcop/offline-store/read'
import { openOfflineStore } from '@usdcop/offline-store/seal'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DATASETS, observedBar, observedState, wholeSession } from './observed.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const signal = AbortSignal.timeout(60_000)

async function all(directory: string, { name }: Dataset<never>, filter: ReadFilter = {}) {
  const rows: OfflineRow[] = []
  for await (const some of readRows(directory, name, filter, signal)) rows.push(...some)
  return rows
}

test('seals a session under its fixed name and reads it back, missing as null', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const bar = observedBar('2025-06-30', 1, {
    market: [Number.NaN, ...Array.from({ length: 12 }, (_, i) => i / 3)],
    flags: ['warmup', 'gap'],
    gapBars: 7,
  })
  const file = 'technical_features/session=2025-06-30/part-0.parquet'
  expect(await store.seal(DATASETS.technical, '2025-06-30', [bar], signal)).toEqual({
    dataset: 'technical_features',
    session: '2025-06-30',
    file,
    rows: 1,
  })
  expect(existsSync(join(directory.path, file))).toBe(true)
  expect(await all(directory.path, DATASETS.technical)).toEqual([
    {
      symbol: 'USD/COP',
      event_timestamp: Date.parse('2025-06-30T13:10:00Z'),
      created_timestamp: Date.parse('2025-07-01T00:00:00Z'),
      technical_0: null,
      technical_1: 0,
      technical_2: 1 / 3,
      technical_3: 2 / 3,
      technical_4: 1,
      technical_5: 4 / 3,
      bar_time: Date.parse('2025-06-30T13:05:00Z'),
      definition_hash: 'hash',
      flags: 'warmup|gap',
      gap_bars: 7,
    },
  ])
})

test('stores bars, one macro row a release, and the state beside them', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const session = '2025-06-30'
  const corrected = Date.parse('2025-06-30T14:00:00Z')
  const bars = wholeSession(session, 3)
  bars.push(observedBar(session, 3, { macroReleasedAt: corrected }))
  await store.seal(DATASETS.bars, session, bars, signal)
  await store.seal(DATASETS.macro, session, macroReleases(bars), signal)
  await store.seal(DATASETS.state, session, [observedState(session, 0, -1)], signal)
  const read = await all(directory.path, DATASETS.bars)
  expect(read.map((row) => [row['open'], row['high'], row['low'], row['close']])).toEqual(
    bars.map((bar) => [bar.open, bar.high, bar.low, bar.close]),
  )
  const macro = await all(directory.path, DATASETS.macro)
  expect(macro.map((row) => [row['event_timestamp'], row['macro_0']])).toEqual([
    [Date.parse('2025-06-30T12:50:00Z'), -6 / 7],
    [corrected, -3 / 7],
  ])
  const [state] = await all(directory.path, DATASETS.state)
  expect([state?.['position'], state?.['time_normalized']]).toEqual([-1, 0])
})

test('keeps every bit of a float64, minus zero and the subnormals included', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const bits = (values: ArrayLike<number>) => Buffer.from(Float64Array.from(values).buffer)
  // A session of its own for each run: a seal keeps the rows that it does not replace.
  let day = Date.parse('2025-01-01')
  const floats = fc.array(fc.double({ noNaN: true }), { minLength: 6, maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(fc.array(floats, { minLength: 1, maxLength: 20 }), async (vectors) => {
      day += 86_400_000
      const session = new Date(day).toISOString().slice(0, 10)
      const bars = vectors.map((market, i) => observedBar(session, i, { market }))
      await store.seal(DATASETS.technical, session, bars, signal)
      const rows = await all(directory.path, DATASETS.technical, { from: day })
      const read = rows.map((row) =>
        Array.from({ length: 6 }, (_, i) => Number(row[`technical_${i}`])),
      )
      expect(bits(read.flat())).toEqual(bits(vectors.flat()))
    }),
    { numRuns: 25, examples: [[[[0, -0, 5e-324, -5e-324, 1e308, -0]]]] },
  )
})

test('replaces a session that is sealed again: the repair after a crash before the commit', async () => {
  await using directory = await temporaryDirectory()
  const bars = wholeSession('2025-06-30')
  const sealed = async () => {
    await using store = await openOfflineStore(directory.path, signal)
    return await store.seal(DATASETS.bars, '2025-06-30', bars, signal)
  }
  const first = await sealed()
  const rows = await all(directory.path, DATASETS.bars)
  expect(await sealed()).toEqual(first)
  expect(await all(directory.path, DATASETS.bars)).toEqual(rows)
})

test('keeps the rows of a session that a new seal does not replace, its month or its own', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const days = ['2025-06-03', '2025-06-04']
  const history = days.flatMap((day) => wholeSession(day, 3))
  await store.sealMany(DATASETS.technical, history, signal)
  const [day = ''] = days
  const other = observedBar(day, 0, { symbol: 'EUR/COP' })
  const better = observedBar(day, 1, { flags: ['gap'] })
  const first = await store.seal(DATASETS.technical, day, [other, better], signal)
  const second = await store.seal(DATASETS.technical, day, [observedBar(day, 4)], signal)
  expect([first.rows, second.rows]).toEqual([4, 5])
  const rows = await all(directory.path, DATASETS.technical)
  expect(rows.map((row) => [row['symbol'], row['bar_time'], row['flags']])).toEqual([
    ['EUR/COP', other.barTime, ''],
    ['USD/COP', observedBar(day, 0).barTime, ''],
    ['USD/COP', better.barTime, 'gap'],
    ['USD/COP', observedBar(day, 2).barTime, ''],
    ['USD/COP', observedBar(day, 4).barTime, ''],
    ...history.slice(3).map((bar) => ['USD/COP', bar.barTime, '']),
  ])
})

test('ignores torn temporary files and removes them at open', async () => {
  await using directory = await temporaryDirectory()
  const sealing = join(directory.path, '.sealing')
  await mkdir(sealing)
  await writeFile(join(sealing, 'bars-2025-06-30.parquet'), 'PAR1 torn')
  expect(await all(directory.path, DATASETS.bars)).toEqual([])
  await using _store = await openOfflineStore(directory.path, signal)
  expect(await readdir(sealing)).toEqual([])
})

test('seals a history in a file a month, and reads it with the sessions that follow', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const history = ['2025-05-29', '2025-05-30', '2025-06-03'].flatMap((day) => wholeSession(day, 2))
  const seals = await store.sealMany(DATASETS.bars, history.toReversed(), signal)
  expect(seals.toReversed()).toEqual([
    {
      dataset: 'bars',
      session: '2025-05-29',
      file: 'bars/session=2025-05/part-0.parquet',
      rows: 2,
    },
    {
      dataset: 'bars',
      session: '2025-05-30',
      file: 'bars/session=2025-05/part-0.parquet',
      rows: 2,
    },
    {
      dataset: 'bars',
      session: '2025-06-03',
      file: 'bars/session=2025-06/part-0.parquet',
      rows: 2,
    },
  ])
  const next = wholeSession('2025-06-04', 2)
  await store.seal(DATASETS.bars, '2025-06-04', next, signal)
  const read = await all(directory.path, DATASETS.bars)
  expect(read.map((row) => row['bar_time'])).toEqual(
    [...history, ...next].map((bar) => bar.barTime),
  )
  expect(await store.sealMany(DATASETS.bars, [], signal)).toEqual([])
})

test('reads each row once, in order, when a session of a sealed month is sealed again', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const days = ['2025-06-02', '2025-06-03', '2025-06-04']
  await store.sealMany(
    DATASETS.bars,
    days.flatMap((day) => wholeSession(day, 2)),
    signal,
  )
  const better = wholeSession('2025-06-03', 3)
  await store.seal(DATASETS.bars, '2025-06-03', better, signal)
  const expected = [...wholeSession('2025-06-02', 2), ...better, ...wholeSession('2025-06-04', 2)]
  const times = async () => (await all(directory.path, DATASETS.bars)).map((row) => row['bar_time'])
  expect(await times()).toEqual(expected.map((bar) => bar.barTime))

  // A later history of the same month keeps what it does not name.
  const seals = await store.sealMany(DATASETS.bars, wholeSession('2025-06-05', 1), signal)
  expect(seals.map(({ file }) => file)).toEqual(['bars/session=2025-06-05/part-0.parquet'])
  expect(await times()).toEqual(
    [...expected, ...wholeSession('2025-06-05', 1)].map((bar) => bar.barTime),
  )

  // And one that names them all takes their own files back into the month's.
  const whole = [...days, '2025-06-05'].flatMap((day) => wholeSession(day, 2))
  await store.sealMany(DATASETS.bars, whole, signal)
  expect(await readdir(join(directory.path, 'bars'))).toEqual(['session=2025-06'])
  expect(await times()).toEqual(whole.map((bar) => bar.barTime))
})

test('orders the rows of many symbols by event time, then symbol', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const bars = ['B', 'A'].flatMap((symbol) =>
    [1, 0].map((index) => observedBar('2025-06-30', index, { symbol })),
  )
  await store.seal(DATASETS.bars, '2025-06-30', bars, signal)
  const read = async (filter: ReadFilter) =>
    (await all(directory.path, DATASETS.bars, filter)).map(
      (row) => `${row['symbol']}${Number(row['open']) - 3900}`,
    )
  expect(await read({})).toEqual(['A0', 'B0', 'A1', 'B1'])
  expect(await read({ symbol: 'B' })).toEqual(['B0', 'B1'])
})

test.for([
  { name: 'from an instant on', filter: { from: '2025-05-30T13:10:00Z' }, expected: [3, 4, 5] },
  { name: 'up to an instant', filter: { to: '2025-05-30T13:10:00Z' }, expected: [0, 1, 2] },
  {
    name: 'between two, across months',
    filter: { from: '2025-05-29T13:10:00Z', to: '2025-06-03T13:10:00Z' },
    expected: [1, 2, 3, 4],
  },
  { name: 'of no month', filter: { from: '2026-01-01T00:00:00Z' }, expected: [] },
])('reads $name', async ({ filter, expected }) => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const history = ['2025-05-29', '2025-05-30', '2025-06-03'].flatMap((day) => wholeSession(day, 2))
  await store.sealMany(DATASETS.bars, history, signal)
  const instants = Object.entries(filter).map(([key, text]) => [key, Date.parse(text)])
  const read = await all(directory.path, DATASETS.bars, Object.fromEntries(instants))
  expect(read.map((row) => row['bar_time'])).toEqual(expected.map((i) => history[i]?.barTime))
})

test('yields thousands of rows in pieces, and stops when the signal aborts', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const bars = Array.from({ length: 200 }, (_, i) =>
    wholeSession('2025-06-30').map((bar) => ({ ...bar, symbol: `S${i}` })),
  ).flat()
  await store.seal(DATASETS.bars, '2025-06-30', bars, signal)
  const sizes: number[] = []
  for await (const rows of readRows(directory.path, 'bars', {}, signal)) sizes.push(rows.length)
  expect(sizes.length).toBeGreaterThan(2)
  expect(sizes.reduce((a, b) => a + b)).toBe(12_000)

  const stop = new AbortController()
  const reason = new Error('gone')
  const reading = async () => {
    for await (const _ of readRows(directory.path, 'bars', {}, stop.signal)) stop.abort(reason)
  }
  await expect(reading()).rejects.toBe(reason)
})

test('refuses a row of another session', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const sealing = store.seal(DATASETS.bars, '2025-06-29', wholeSession('2025-06-30', 1), signal)
  await expect(sealing).rejects.toMatchObject({ code: 'invalid_request' })
})

test('names the place that cannot be written, read or opened', async () => {
  await using directory = await temporaryDirectory()
  const file = join(directory.path, 'file')
  await writeFile(file, '')
  await expect(openOfflineStore(file, signal)).rejects.toMatchObject({
    code: 'store_unavailable',
    message: `the offline store cannot be opened in ${file}`,
  })

  await using store = await openOfflineStore(directory.path, signal)
  await writeFile(join(directory.path, 'bars'), 'in the way')
  const sealing = store.seal(DATASETS.bars, '2025-06-30', wholeSession('2025-06-30'), signal)
  await expect(sealing).rejects.toMatchObject({
    code: 'store_unavailable',
    message: `${join(directory.path, 'bars')} cannot be sealed`,
  })

  const broken = join(directory.path, 'technical_features/session=2025-06-30')
  await mkdir(broken, { recursive: true })
  await writeFile(join(broken, 'part-0.parquet'), 'not Parquet')
  await expect(all(directory.path, DATASETS.technical)).rejects.toMatchObject({
    code: 'store_unavailable',
    message: `${join(directory.path, 'technical_features')} cannot be read`,
  })
})

test('goes on after a failed seal, and seals that come together take turns', async () => {
  await using directory = await temporaryDirectory()
  await using store = await openOfflineStore(directory.path, signal)
  const sessions = ['2025-06-26', '2025-06-27', '2025-06-30']
  const seals = [
    store.seal(DATASETS.bars, '2025-06-25', wholeSession('2025-06-30'), signal),
    ...sessions.map((day) => store.seal(DATASETS.bars, day, wholeSession(day), signal)),
  ]
  const settled = await Promise.allSettled(seals)
  expect(settled.map(({ status }) => status)).toEqual([
    'rejected',
    'fulfilled',
    'fulfilled',
    'fulfilled',
  ])
  expect(await all(directory.path, DATASETS.bars)).toHaveLength(180)
})
