import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { runPython } from '@usdcop/tests/support/python'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dirtyData } from './dirty-data.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const data = join(root, 'data')

describe('usdcop features', () => {
  test('equals pandas and TA-Lib on every row of the demo data', async ({ signal }) => {
    const { ours, theirs } = await both(
      join(data, 'usdcop-m5.csv.gz'),
      join(data, 'macro-daily.csv'),
      signal,
    )
    expect(theirs.rejected).toEqual({ holiday: 6461, session: 1171 })
    expect(ours.rejected).toEqual(theirs.rejected)
    expect(theirs.rows).toHaveLength(75_210)
    expect(disagreements(ours.rows, theirs.rows)).toEqual([])
  })

  test.for([
    { seed: 1, first: '2019-12-20', days: 250 },
    { seed: 2, first: '2026-03-01', days: 300 },
    { seed: 3, first: '2030-11-15', days: 200 },
  ])('equals them on a spoilt feed from $first', async ({ seed, first, days }, { signal }) => {
    const folder = await temporaryFolder()
    const { bars, macro } = dirtyData(seed, first, days)
    await writeFile(join(folder, 'bars.csv'), bars)
    await writeFile(join(folder, 'macro.csv'), macro)

    const { ours, theirs } = await both(join(folder, 'bars.csv'), join(folder, 'macro.csv'), signal)
    expect(ours.rejected).toEqual(theirs.rejected)
    expect(disagreements(ours.rows, theirs.rows)).toEqual([])
    // What the feed was spoilt for has happened in it.
    const seen = new Set(theirs.rows.flatMap(({ flags, rsi_9 }) => [flags, `rsi ${rsi_9}`]))
    expect([...seen]).toEqual(
      expect.arrayContaining(['', 'warmup', 'gap', 'stale_macro', 'rsi 50.0', 'rsi 100.0']),
    )
  })
})

type Row = Readonly<Record<string, string>>
interface Computation {
  readonly rows: readonly Row[]
  readonly rejected: Readonly<Record<string, number>>
}

async function both(bars: string, macro: string, signal: AbortSignal) {
  const folder = await temporaryFolder()
  const [ours, theirs] = [join(folder, 'ours.csv'), join(folder, 'theirs.csv')]
  const holidays = join(data, 'holidays.csv')
  const input = ['--bars', bars, '--macro', macro]

  const cli = ['scripts/launch.mjs', 'packages/cli/src/main.ts', 'features', ...input]
  const { stdout } = await promisify(execFile)('node', [...cli, '--out', ours, '--json'], {
    cwd: root,
    signal,
  })
  const printed = await runPython(
    'tests/interop/recompute.py',
    [...input, '--holidays', holidays, '--out', theirs],
    signal,
  )
  return {
    ours: { rows: await readRows(ours), rejected: happened(JSON.parse(stdout).rejected) },
    theirs: { rows: await readRows(theirs), rejected: JSON.parse(printed).rejected },
  } satisfies Record<string, Computation>
}

async function readRows(file: string): Promise<Row[]> {
  const [head = '', ...lines] = (await readFile(file, 'utf8')).trimEnd().split(/\r?\n/)
  const names = head.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, index) => [name, cells[index] ?? '']))
  })
}

const EXACT = new Set(['symbol', 'gap_bars', 'flags'])

/** The first cells that differ, as text; the columns must be the same ones in the same order. */
function disagreements(ours: readonly Row[], theirs: readonly Row[]): string[] {
  const columns = Object.keys(theirs[0] ?? {})
  expect(Object.keys(ours[0] ?? {})).toEqual(columns)
  if (ours.length !== theirs.length) return [`${ours.length} rows, not ${theirs.length}`]
  const found: string[] = []
  for (const [index, b] of theirs.entries()) {
    const a = ours[index]!
    for (const column of columns)
      if (!same(column, a[column]!, b[column]!))
        found.push(`row ${index}, ${b['time']}: ${column} ${a[column]}, not ${b[column]}`)
    if (found.length >= 5) break
  }
  return found
}

function same(column: string, a: string, b: string): boolean {
  if (column === 'time') return Date.parse(a) === Date.parse(b)
  if (EXACT.has(column) || a === '' || b === '') return a === b
  return Math.abs(Number(a) - Number(b)) <= 1e-9 * Math.abs(Number(b)) + 1e-12
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-features-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

/** The counts that are not zero. */
function happened(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}
