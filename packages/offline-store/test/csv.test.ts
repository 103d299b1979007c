import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CsvRecord, readCsv } from '../src/csv.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-csv-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function read(name: string, content: string | Buffer): Promise<CsvRecord[]> {
  const path = join(folder, name)
  await writeFile(path, content)
  return await Array.fromAsync(readCsv(path, new AbortController().signal))
}

const TEXT = '\uFEFFtime,open,note\n1,2,"a,b"\n\n3\n4,5,"x"y\n6,7,8,9\n'
const RECORDS = [
  { time: '1', open: '2', note: 'a,b' },
  { time: '3' },
  { time: '4', open: '5', note: '"x"y' },
  { time: '6', open: '7', note: '8' },
]

test('reads records in order and keeps damaged ones as rows', async () => {
  expect(await read('plain.csv', TEXT)).toEqual(RECORDS)
})

test('unpacks a .gz file on the way', async () => {
  expect(await read('packed.csv.gz', gzipSync(TEXT))).toEqual(RECORDS)
})

test.for([
  { name: 'a missing file', file: 'absent.csv', content: undefined },
  { name: 'a torn .gz file', file: 'torn.csv.gz', content: gzipSync(TEXT).subarray(0, 30) },
  { name: 'a .gz file that is none', file: 'fake.csv.gz', content: Buffer.from(TEXT) },
])('names $name', async ({ file, content }) => {
  const path = join(folder, file)
  if (content !== undefined) await writeFile(path, content)
  await expect(Array.fromAsync(readCsv(path, new AbortController().signal))).rejects.toMatchObject({
    code: 'invalid_request',
    message: `${path} cannot be read as CSV`,
  })
})

test.for([
  { name: 'a file of something else', content: TEXT, missing: 'high, low' },
  { name: 'a header alone', content: 'time,open,low\n', missing: 'high' },
  { name: 'an empty file', content: '', missing: 'open, high, low' },
])('names the columns that $name lacks', async ({ content, missing }) => {
  const path = join(folder, 'other.csv')
  await writeFile(path, content)
  const read = readCsv(path, new AbortController().signal, ['open', 'high', 'low'])
  await expect(Array.fromAsync(read)).rejects.toMatchObject({
    code: 'invalid_request',
    message: `${path} has no column ${missing} in its first line`,
  })
})

test('ends with the reason of its signal', async () => {
  const path = join(folder, 'plain.csv')
  await writeFile(path, TEXT)
  await expect(
    Array.fromAsync(readCsv(path, AbortSignal.abort(new Error('enough')))),
  ).rejects.toThrow('enough')
})
