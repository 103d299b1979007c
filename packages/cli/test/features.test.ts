import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDuckdb, quoteText } from '@usdcop/offline-store/parquet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type SmallData, writeSmallData } from './small-data.ts'
import { usdcop } from './usdcop.ts'

let folder: string
let data: SmallData

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-features-'))
  data = await writeSmallData(folder)
})
afterEach(() => rm(folder, { recursive: true }))

const features = (out: string, ...more: string[]) =>
  usdcop('features', '--bars', data.bars, '--macro', data.macro, '--out', out, ...more)

async function readCells(file: string): Promise<string[][]> {
  return (await readFile(file, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
}

async function readParquet(file: string): Promise<Record<string, unknown>[]> {
  using duckdb = await openDuckdb()
  const result = await duckdb.connection.runAndReadAll(
    `select * replace (time::text as time) from read_parquet(${quoteText(file)})`,
  )
  return result.getRowObjects()
}

const HEADER =
  'time,symbol,log_ret_5m,log_ret_1h,log_ret_4h,rsi_9,atr_pct,adx_14,dxy_z,dxy_change_1d,vix_z,' +
  'embi_z,brent_change_1d,rate_spread,usdmxn_change_1d,time_normalized,gap_bars,flags'

test('writes a row for every accepted bar to CSV', async () => {
  const out = join(folder, 'rows.csv')
  expect(await features(out)).toEqual({
    code: 0,
    stdout: '',
    stderr: `wrote 120 rows to ${out}\n`,
  })
  const [header, ...rows] = await readCells(out)
  expect(header?.join(',')).toBe(HEADER)
  expect(rows).toHaveLength(120)
  expect(rows[0]?.slice(0, 3)).toEqual(['2025-06-26T13:00:00.000Z', 'USD/COP', ''])
  expect(rows[119]?.slice(-3)).toEqual(['1', '0', 'warmup'])
})

test('writes the same numbers to Parquet', async () => {
  const [csv, parquet] = [join(folder, 'rows.csv'), join(folder, 'rows.parquet')]
  await features(csv)
  expect(await features(parquet)).toMatchObject({ code: 0 })
  const [header = [], ...cells] = await readCells(csv)
  const rows = await readParquet(parquet)
  expect(rows).toHaveLength(120)
  expect(Object.keys(rows[0] ?? {})).toEqual(header)
  const adx = header.indexOf('adx_14')
  expect(rows.map((row) => row['adx_14'])).toEqual(
    cells.map((row) => (row[adx] === '' ? null : Number(row[adx]))),
  )
})

test('normalises where asked to', async () => {
  const [raw, normalised] = [join(folder, 'raw.csv'), join(folder, 'normalised.csv')]
  await features(raw)
  await features(normalised, '--normalised')
  const rsiOf = async (file: string) => Number((await readCells(file))[100]?.[5])
  expect(await rsiOf(raw)).toBeGreaterThan(5)
  expect(Math.abs(await rsiOf(normalised))).toBeLessThanOrEqual(5)
})

test('keeps to one symbol', async () => {
  data = await writeSmallData(folder, ['USD/COP', 'EUR/COP'])
  const out = join(folder, 'rows.csv')
  expect(await features(out, '--symbol', 'EUR/COP')).toMatchObject({ code: 0 })
  const [, ...rows] = await readCells(out)
  expect(rows).toHaveLength(120)
  expect(new Set(rows.map((row) => row[1]))).toEqual(new Set(['EUR/COP']))
})

test('counts rejected rows by reason, for people on standard error and as JSON', async () => {
  const spoilt = ['soon,USD/COP,1,1,1,1', '2025-06-28T13:00:00Z,USD/COP,1,1,1,1']
  await appendFile(data.bars, `${spoilt.join('\n')}\n`)
  const out = join(folder, 'rows.csv')
  expect(await features(out)).toEqual({
    code: 0,
    stdout: '',
    stderr: `wrote 120 rows to ${out}\nrejected 1 unparsable\nrejected 1 weekend\n`,
  })
  const { stdout, stderr } = await features(out, '--json')
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toMatchObject({
    rows: 120,
    rejected: { unparsable: 1, weekend: 1, duplicate: 0 },
  })
})

test('names a file it cannot read', async () => {
  const bars = join(folder, 'nowhere.csv')
  const args = ['--bars', bars, '--macro', data.macro, '--out', join(folder, 'rows.csv')]
  const { code, stderr } = await usdcop('features', ...args)
  expect(code).toBe(1)
  expect(stderr).toContain(`usdcop: ${bars} cannot be read as CSV: ENOENT`)
})

test('takes no file of something else for bars or macro values', async () => {
  const out = ['--out', join(folder, 'rows.csv')]
  const swapped = ['--bars', data.macro, '--macro', data.macro]
  expect(await usdcop('features', ...swapped, ...out)).toMatchObject({
    code: 1,
    stderr: `usdcop: ${data.macro} has no column time, open, high, low, close in its first line\n`,
  })
  const doubled = ['--bars', data.bars, '--macro', data.bars]
  expect(await usdcop('features', ...doubled, ...out)).toMatchObject({
    code: 1,
    stderr: `usdcop: ${data.bars} has no column date in its first line\n`,
  })
})

test('names a file it cannot write, and leaves no part of it behind', async () => {
  const out = join(folder, 'nowhere', 'rows.csv')
  const { code, stderr } = await features(out)
  expect(code).toBe(1)
  expect(stderr).toContain(`usdcop: ${out} cannot be written: ENOENT`)
  expect(await readdir(folder)).toEqual(['bars.csv', 'macro.csv'])
})
