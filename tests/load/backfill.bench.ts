import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCsv } from '@usdcop/offline-store/csv'
import { startAllInOne } from '../support/all-in-one.ts'
import { type Figure, median } from './figure.ts'

const BARS = fileURLToPath(new URL('../../data/usdcop-m5.csv.gz', import.meta.url))
const LAST_SESSION = '2025-06-27'
const REPEATS = 3

/** A fresh `npm start` on the whole demo history; the floor is reading the same file and no more. */
export async function backfillBench(): Promise<readonly Figure[]> {
  const loads: number[] = []
  const starts: number[] = []
  const floors: number[] = []
  for (let i = 0; i < REPEATS; i++) {
    floors.push(await readingSeconds())
    const { load, start } = await startSeconds()
    loads.push(load)
    starts.push(start)
  }
  return [
    {
      name: 'back-fill of the demo history: reducer, Parquet, commit',
      value: median(loads),
      unit: 's',
      bar: { kind: 'at_most', value: 10 },
    },
    {
      name: 'process start to all services up, back-fill included',
      value: median(starts),
      unit: 's',
    },
    { name: 'floor: reading the bars file', value: median(floors), unit: 's' },
  ]
}

async function startSeconds(): Promise<{ load: number; start: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-bench-'))
  try {
    const startedAt = performance.now()
    await using platform = startAllInOne(folder, {
      REPLAY_FROM: LAST_SESSION,
      REPLAY_SPEED: '0.01',
    })
    const { backfilled } = await platform.ready
    return {
      load: backfilled?.seconds ?? Number.NaN,
      start: (performance.now() - startedAt) / 1_000,
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function readingSeconds(): Promise<number> {
  const startedAt = performance.now()
  let records = 0
  for await (const record of readCsv(BARS, new AbortController().signal)) if (record) records += 1
  if (records === 0) throw new Error(`${BARS} is empty`)
  return (performance.now() - startedAt) / 1_000
}
