import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { BatchSource, FeatureView } from '@usdcop/feast/registry/definitions'
import type { OfflineColumn } from '@usdcop/feast/registry/offline-writer'
import type { Value, ValueType } from '@usdcop/feast/wire/value'
import { describe, expect, test } from 'vitest'
import { createOfflineWriter } from '../../src/append/offline-writer.ts'
import { openDuckdb, quoteText } from '../../src/parquet.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../temporary-directory.ts'

const { signal } = new AbortController()
const NOON = Date.UTC(2026, 0, 2, 12)
const MIDNIGHT = Date.UTC(2026, 0, 2)

const VIEW: FeatureView = {
  name: 'drivers',
  entities: ['driver'],
  features: [],
  ttlMs: 0,
  pushSource: undefined,
  tags: {},
}
const source = (path: string): BatchSource => ({
  name: 'history',
  kind: 'BATCH_FILE',
  path,
  timestampField: 'happened',
  tags: {},
})

const column = (name: string, valueType: ValueType, ...values: unknown[]): OfflineColumn => ({
  name,
  valueType,
  values: values.map((value) => (value === null ? null : ({ type: valueType, value } as Value))),
})
const instants = (name: string, ...values: number[]): OfflineColumn => ({
  name,
  valueType: 'INSTANT',
  values,
})

/** One row of a driver. */
const row = (driver: bigint): readonly OfflineColumn[] => [
  instants('happened', NOON),
  column('driver', 'INT64', driver),
]

const SIMPLE = `select i as driver, timestamp '2026-01-01' as happened from range(3) t(i)`

async function history(query: string, options = '', path = 'history.parquet') {
  const directory = await temporaryDirectory()
  const file = join(directory.path, path)
  using duckdb = await openDuckdb()
  await mkdir(join(file, '..'), { recursive: true })
  await duckdb.connection.run(`copy (${query}) to ${quoteText(file)} (format parquet ${options})`)
  return {
    file,
    append: async (columns: readonly OfflineColumn[], to = path) =>
      await createOfflineWriter(directory.path).append(VIEW, source(to), columns, signal),
    /** All files beside the history, its own among them. */
    beside: async () => (await readdir(join(file, '..'))).toSorted(),
    [Symbol.asyncDispose]: async () => await directory[Symbol.asyncDispose](),
  } satisfies AsyncDisposable & Record<string, unknown>
}

async function ask(query: string): Promise<unknown[]> {
  using duckdb = await openDuckdb()
  return (await duckdb.connection.runAndReadAll(query)).getRowsJson()
}
const rowsOf = async (file: string) => await ask(`from read_parquet(${quoteText(file)})`)
const schemaOf = async (file: string) =>
  await ask(`select name, type, converted_type from parquet_schema(${quoteText(file)})`)
const groupsOf = async (file: string) =>
  await ask(
    `select distinct row_group_id, row_group_num_rows::int from parquet_metadata(${quoteText(file)})
     order by all`,
  )

describe('rows for a single file', () => {
  const EVERYTHING = `select 1::bigint as driver, timestamp '2026-01-01' as happened,
    timestamptz '2026-01-01 00:00:00+00' as made, timestamp_ns '2026-01-01 00:00:00.000000001' as ns,
    1::int as small, 1::tinyint as tiny, 4000000000::uinteger as unsigned, 0.5::float as f, 0.5::double as d,
    true as yes, 'ñ' as note, '\\xFF'::blob as raw, date '2026-01-01' as day, 1.25::decimal(9, 2) as price,
    12345678901234567.25::decimal(20, 2) as wide, uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11' as id,
    [1, 2]::bigint[] as trips, ['a']::varchar[] as words, null::double as gone`
  const COLUMNS = [
    column('driver', 'INT64', 2n),
    instants('happened', NOON + 0.001),
    instants('made', NOON),
    instants('ns', NOON),
    column('small', 'INT32', -7),
    column('tiny', 'INT32', -128),
    column('unsigned', 'INT64', 4_294_967_295n),
    column('f', 'FLOAT', 0.25),
    column('d', 'DOUBLE', 1 / 3),
    column('yes', 'BOOL', null),
    column('note', 'STRING', 'ü'),
    column('raw', 'BYTES', new Uint8Array([0, 254])),
    column('day', 'UNIX_TIMESTAMP', BigInt(MIDNIGHT / 1_000)),
    column('price', 'DECIMAL', '-3.5'),
    column('wide', 'DECIMAL', '12345678901234567.50'),
    column('id', 'UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12'),
    column('trips', 'INT64_LIST', [3n]),
    column('words', 'STRING_LIST', []),
    column('gone', 'DOUBLE', 2),
  ]

  test.for(['snappy', 'zstd', 'gzip', 'uncompressed'])(
    'are read after those that were there, whose values and types stay, compressed with %s',
    async (compression) => {
      await using drivers = await history(EVERYTHING, `, compression ${compression}`)
      const [types, before] = [await schemaOf(drivers.file), await rowsOf(drivers.file)]
      // In another order than the file's.
      await drivers.append(COLUMNS.toReversed())
      expect(await schemaOf(drivers.file)).toEqual(types)
      expect(await rowsOf(drivers.file)).toEqual([
        ...before,
        [
          '2',
          '2026-01-02 12:00:00.000001',
          '2026-01-02 12:00:00+00',
          '2026-01-02 12:00:00',
          -7,
          -128,
          4_294_967_295,
          0.25,
          1 / 3,
          null,
          'ü',
          '\\x00\\xFE',
          '2026-01-02',
          '-3.50',
          '12345678901234567.50',
          'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12',
          ['3'],
          [],
          2,
        ],
      ])
      expect(await drivers.beside()).toEqual(['history.parquet'])
    },
  )

  test('join the last row group until it is full, and leave the bytes of others alone', async () => {
    const many = `select i as driver, timestamp '2026-01-01' as happened from range(30000) t(i)`
    await using drivers = await history(many, ', row_group_size 20480')
    expect(await groupsOf(drivers.file)).toEqual([
      ['0', 20_480],
      ['1', 9_520],
    ])
    const head = (await readFile(drivers.file)).subarray(0, 20_000)
    await drivers.append(row(30_000n))
    expect(await groupsOf(drivers.file)).toEqual([
      ['0', 20_480],
      ['1', 9_521],
    ])
    const drivers500 = Array.from({ length: 500 }, (_, i) => BigInt(30_001 + i))
    await drivers.append([
      instants('happened', ...drivers500.map(() => NOON)),
      column('driver', 'INT64', ...drivers500),
    ])
    expect(await groupsOf(drivers.file)).toEqual([
      ['0', 20_480],
      ['1', 9_521],
      ['2', 500],
    ])
    expect((await readFile(drivers.file)).subarray(0, 20_000)).toEqual(head)
    const sums = `select count(*)::int, sum(driver)::int from read_parquet(${quoteText(drivers.file)})`
    expect(await ask(sums)).toEqual([[30_501, (30_500 * 30_501) / 2]])
    // Statistics that were kept still lead to the rows they stand for.
    expect(await ask(`${sums} where driver = 20000`)).toEqual([[1, 20_000]])
  })

  test('are all there when many come at once', async () => {
    await using drivers = await history(SIMPLE)
    await Promise.all(
      [10n, 11n, 12n, 13n, 14n].map(async (each) => await drivers.append(row(each))),
    )
    const found = await ask(`select driver::int from ${quoteText(drivers.file)} order by 1`)
    expect(found).toEqual([0, 1, 2, 10, 11, 12, 13, 14].map((each) => [each]))
  })

  test('are not there when the caller has left, and neither is anything else', async () => {
    await using drivers = await history(SIMPLE)
    const bytes = await readFile(drivers.file)
    const reason = new Error('gone')
    const writer = createOfflineWriter('/')
    const append = writer.append(VIEW, source(drivers.file), row(9n), AbortSignal.abort(reason))
    await expect(append).rejects.toBe(reason)
    expect(await readFile(drivers.file)).toEqual(bytes)
    expect(await drivers.beside()).toEqual(['history.parquet'])
  })

  test('wait for whoever is writing, who may need long', async () => {
    await using drivers = await history(SIMPLE)
    await writeFile(`${drivers.file}.lock`, '')
    const leaving = new AbortController()
    const append = createOfflineWriter('/').append(
      VIEW,
      source(drivers.file),
      row(9n),
      leaving.signal,
    )
    leaving.abort(new Error('no more patience'))
    await expect(append).rejects.toThrow('no more patience')
    expect(await rowsOf(drivers.file)).toHaveLength(3)
  })
})

describe('rows for a folder', () => {
  test('make a further file of the schema that the others have', async () => {
    await using drivers = await history(SIMPLE, '', 'history/0.parquet')
    await drivers.append(row(7n), 'history')
    const names = await drivers.beside()
    expect(names).toEqual(['0.parquet', expect.stringMatching(/^push-.*\.parquet$/)])
    const added = join(drivers.file, '..', names[1] as string)
    expect(await schemaOf(added)).toEqual(await schemaOf(drivers.file))
    expect(await rowsOf(added)).toEqual([['7', '2026-01-02 12:00:00']])
  })

  test('of partitions are refused', async () => {
    await using drivers = await history(SIMPLE, '', 'history/day=1/0.parquet')
    await expect(drivers.append(row(7n), 'history')).rejects.toMatchObject({
      code: 'not_supported',
    })
  })
})

describe('rows are refused, naming the column, that the file', () => {
  test.for<[string, string, readonly OfflineColumn[], RegExp]>([
    ['does not have', SIMPLE, [...row(1n), column('more', 'INT64', 1n)], /extra.*\[more\]/],
    ['has and they lack', SIMPLE, row(1n).slice(1), /missing.*\[happened\]/],
    [
      'has of another kind',
      `${SIMPLE.replace('i as', 'i::varchar as')}`,
      row(1n),
      /'driver' is INT64/,
    ],
    ['has too narrow', SIMPLE.replace('i as', 'i::tinyint as'), row(128n), /'driver'.*exactly/],
    [
      'has in milliseconds',
      SIMPLE.replace('timestamp ', 'timestamp_ms '),
      [instants('happened', NOON + 0.5), column('driver', 'INT64', 1n)],
      /'happened'.*exactly/,
    ],
  ])('%s', async ([_name, query, columns, message]) => {
    await using drivers = await history(query)
    const bytes = await readFile(drivers.file)
    await expect(drivers.append(columns)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringMatching(message),
    })
    expect(await readFile(drivers.file)).toEqual(bytes)
  })
})

test.for<[string, string, string]>([
  ['no file', 'none.parquet', 'invalid_request'],
  ['an empty folder', 'empty', 'invalid_request'],
  ['something else than Parquet', 'text.parquet', 'store_unavailable'],
  ['a bucket', 's3://bucket/x', 'not_supported'],
])('says what is wrong with %s', async ([_name, path, code]) => {
  await using directory: TemporaryDirectory = await temporaryDirectory()
  await mkdir(join(directory.path, 'empty'))
  await writeFile(join(directory.path, 'text.parquet'), 'no Parquet at all')
  const append = createOfflineWriter(directory.path).append(VIEW, source(path), row(1n), signal)
  await expect(append).rejects.toMatchObject({ code })
})
