import { readFileSync } from 'node:fs'
import type { Bar } from '@usdcop/observation/bars'
import { parseContract } from '@usdcop/observation/contract'
import { Reducer } from '@usdcop/observation/reducer'
import { SteppedClock } from '@usdcop/service/clock'
import { createRegistry } from '@usdcop/service/metrics'
import { expect, test } from 'vitest'
import { createIngest } from '../src/ingest.ts'
import { createMaterializerMetrics } from '../src/metrics.ts'
import type { Commit, MaterializerStore, SavedMacro, SavedState } from '../src/store.ts'

const contract = parseContract(
  JSON.parse(
    readFileSync(
      new URL('../../../config/contracts/observation-15d.v1.json', import.meta.url),
      'utf8',
    ),
  ),
)
const at = (time: string): number => Date.parse(`2025-06-18T${time}Z`)
const bar = (time: string, close: number, symbol = 'USD/COP'): Bar => ({
  symbol,
  barTime: at(time),
  open: close,
  high: close,
  low: close,
  close,
})
const never = new AbortController().signal

/** Keeps commits as a real store would, and can be told to fail. */
function recordingStore() {
  const symbols = new Map<string, Uint8Array>()
  const commits: Commit[] = []
  let macro: SavedMacro | undefined
  let failure: Error | undefined
  const store: MaterializerStore = {
    load: async (): Promise<SavedState> => ({ symbols: new Map(symbols), macro }),
    commit: async (commit) => {
      if (failure !== undefined) throw failure
      commits.push(commit)
      for (const [symbol, bytes] of commit.state.symbols) symbols.set(symbol, bytes)
      macro = commit.state.macro ?? macro
    },
  }
  return { store, commits, failWith: (error: Error | undefined) => void (failure = error) }
}

function build(startAt: number) {
  const recording = recordingStore()
  const clock = new SteppedClock(startAt)
  const ingest = () =>
    createIngest({
      contract,
      store: recording.store,
      clock,
      metrics: createMaterializerMetrics(createRegistry('test')),
      onCommitted: () => {},
    })
  return { ...recording, clock, start: ingest }
}

test('answers each row in order and commits accepted and rejected ones together', async () => {
  const { start, commits } = build(at('18:00'))
  const rows = [
    bar('13:00', 4_000),
    bar('13:05', -1),
    bar('13:02', 4_000),
    bar('13:00', 4_001),
    bar('13:10', 4_002),
    { ...bar('13:15', 4_000), high: Number.NaN },
  ]
  expect(await start().bars('feed', rows, never)).toEqual([
    { status: 'accepted' },
    { status: 'rejected', reason: 'non_positive' },
    { status: 'rejected', reason: 'off_grid' },
    { status: 'rejected', reason: 'duplicate' },
    { status: 'accepted' },
    { status: 'rejected', reason: 'unparsable' },
  ])
  expect(commits).toHaveLength(1)
  expect(commits[0]).toMatchObject({
    source: 'feed',
    rejected: { non_positive: 1, off_grid: 1, duplicate: 1, unparsable: 1 },
  })
  expect(commits[0]?.accepted.map(({ row }) => [row.barTime, row.gapBars])).toEqual([
    [at('13:00'), 0],
    [at('13:10'), 1],
  ])
})

test('rejects a bar that has not closed by the domain clock, and takes it later', async () => {
  const { start, clock } = build(at('13:04'))
  const ingest = start()
  const row = [bar('13:00', 4_000)]
  expect(await ingest.bars('feed', row, never)).toEqual([
    { status: 'rejected', reason: 'not_closed' },
  ])
  clock.advanceTo(at('13:05'))
  expect(await ingest.bars('feed', row, never)).toEqual([{ status: 'accepted' }])
})

test('forgets a batch whose commit failed and takes it again from the stored state', async () => {
  const { start, failWith, commits } = build(at('18:00'))
  const ingest = start()
  await ingest.bars('feed', [bar('13:00', 4_000)], never)
  failWith(new Error('disk full'))
  await expect(ingest.bars('feed', [bar('13:05', 4_001)], never)).rejects.toThrow('disk full')
  failWith(undefined)
  expect(await ingest.bars('feed', [bar('13:05', 4_001)], never)).toEqual([{ status: 'accepted' }])

  const reducer = new Reducer(contract)
  reducer.step(bar('13:00', 4_000))
  reducer.step(bar('13:05', 4_001))
  expect(commits.at(-1)?.state.symbols.get('USD/COP')).toEqual(reducer.saveSymbol('USD/COP'))
})

test('continues from the store after a restart as if it had never stopped', async () => {
  const { start, commits } = build(at('18:00'))
  await start().bars('feed', [bar('13:00', 4_000), bar('13:05', 4_010)], never)
  const resumed = start()
  expect(await resumed.bars('feed', [bar('13:05', 4_010), bar('13:10', 4_020)], never)).toEqual([
    { status: 'rejected', reason: 'duplicate' },
    { status: 'accepted' },
  ])
  expect(commits.at(-1)?.accepted[0]?.row.market[0]).toBe(Math.log(4_020 / 4_010))
})

test('takes batches one after another, however they arrive', async () => {
  const { start, commits } = build(at('18:00'))
  const ingest = start()
  const times = ['13:00', '13:05', '13:10', '13:15']
  const outcomes = await Promise.all(
    times.map((time) => ingest.bars('feed', [bar(time, 4_000)], never)),
  )
  expect(outcomes.flat().every(({ status }) => status === 'accepted')).toBe(true)
  expect(commits).toHaveLength(times.length)
})

test('does not start a batch whose caller has left', async () => {
  const { start, commits } = build(at('18:00'))
  const ingest = start()
  const left = new AbortController()
  const first = ingest.bars('feed', [bar('13:00', 4_000)], never)
  const second = ingest.bars('feed', [bar('13:05', 4_000)], left.signal)
  left.abort(new Error('gone'))
  await first
  await expect(second).rejects.toThrow('gone')
  expect(commits).toHaveLength(1)
})

test('says of each macro value whether it is new, known, a correction or no value', async () => {
  const { start, commits } = build(at('12:50'))
  const ingest = start()
  const value = { series: 'dxy', date: '2025-06-17', value: 98.1 }
  expect(await ingest.macro('desk', [value, value], never)).toEqual([
    { status: 'accepted' },
    { status: 'unchanged' },
  ])
  expect(await ingest.macro('desk', [value], never)).toEqual([{ status: 'unchanged' }])
  expect(
    await ingest.macro(
      'desk',
      [
        { ...value, value: 98.2 },
        { ...value, series: 'gold' },
      ],
      never,
    ),
  ).toEqual([
    { status: 'corrected' },
    { status: 'rejected', reason: expect.stringContaining('gold') },
  ])
  // What changed nothing is not committed again.
  expect(commits.map(({ macro }) => macro.length)).toEqual([1, 1])
})

test('gives macro rows the release instant, and after a correction the instant of the correction', async () => {
  const { start, clock, commits } = build(at('12:50'))
  const ingest = start()
  const macroAt = async (time: string) => {
    clock.advanceTo(at(time) + 300_000)
    await ingest.bars('feed', [bar(time, 4_000)], never)
    return new Date(commits.at(-1)?.accepted[0]?.macroAt ?? 0).toISOString().slice(11, 16)
  }
  await ingest.macro('desk', [{ series: 'dxy', date: '2025-06-17', value: 98.1 }], never)
  expect(await macroAt('13:00')).toBe('12:50')
  clock.advanceTo(at('13:07'))
  await ingest.macro('desk', [{ series: 'dxy', date: '2025-06-17', value: 98.2 }], never)
  expect(await macroAt('13:05')).toBe('13:07')
  expect(await macroAt('13:10')).toBe('13:07')
})
