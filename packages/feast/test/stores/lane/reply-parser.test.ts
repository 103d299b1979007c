import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Hashes } from '../../../src/stores/hash-source.ts'
import { createReplyParser, type Expected } from '../../../src/stores/lane/reply-parser.ts'

type Row = readonly (string | null)[] | { readonly error: string }

/** Where the cells begin in their array, which others share. */
const FIRST = 3

const STREAM: readonly (readonly Row[])[] = [
  [
    ['one', null, ''],
    [null, null, null],
    ['$3\r\nnot a reply', '*2\r\n', '-ERR'],
  ],
  [['x'.repeat(40)], { error: 'WRONGTYPE Operation against a key' }, [null]],
  [{ error: 'LOADING Redis is loading the dataset in memory' }],
  [['last']],
]

function wireOf(rows: readonly Row[]): string {
  const texts = rows.map((row) => {
    if ('error' in row) return `-${row.error}\r\n`
    const cells = row.map((cell) =>
      cell === null ? '$-1\r\n' : `$${Buffer.byteLength(cell)}\r\n${cell}\r\n`,
    )
    return `*${row.length}\r\n${cells.join('')}`
  })
  return texts.join('')
}

/** What the parser makes of a stream that comes in these chunks. */
function parsed(groups: readonly (readonly Row[])[], chunks: readonly Buffer[]) {
  const errors = groups.map(() => new Map<number, string>())
  const widths = groups.map((rows) => rows.find((row) => !('error' in row)))
  let done = 0
  const expected = groups.map((rows, index): Expected => {
    const width = (widths[index] as string[] | undefined)?.length ?? 2
    const cells = new Int32Array(FIRST + 2 * width * rows.length)
    const hashes: Hashes = { buffers: [], cells, first: FIRST }
    return {
      rows: rows.length,
      width,
      hashes,
      failed: (row, message) => errors[index]?.set(row, message),
    }
  })
  const waiting = [...expected]
  const take = createReplyParser(
    () => waiting.shift(),
    () => {
      done += 1
    },
  )
  for (const chunk of chunks) take(chunk)
  expect(done).toBe(groups.length)
  return expected.map(({ rows, width, hashes }, index) =>
    Array.from({ length: rows }, (_, row): Row => {
      const error = errors[index]?.get(row)
      if (error !== undefined) return { error }
      return Array.from({ length: width }, (_, cell) => {
        const place = FIRST + 2 * (row * width + cell)
        const start = hashes.cells[place] as number
        if (start < 0) return null
        return (hashes.buffers[row] as Buffer).toString('utf8', start, hashes.cells[place + 1])
      })
    }),
  )
}

const wire = Buffer.from(STREAM.map(wireOf).join(''))

test('reads a stream that comes whole', () => {
  expect(parsed(STREAM, [wire])).toEqual(STREAM)
})

test('reads a stream cut in two, wherever the cut is', () => {
  for (let at = 0; at <= wire.length; at++)
    expect(parsed(STREAM, [wire.subarray(0, at), wire.subarray(at)])).toEqual(STREAM)
})

test('reads a stream that comes byte by byte', () => {
  expect(
    parsed(
      STREAM,
      [...wire].map((byte) => Buffer.of(byte)),
    ),
  ).toEqual(STREAM)
})

test('reads any rows in any chunks', () => {
  const cell = fc.option(fc.string({ unit: 'binary', maxLength: 300 }))
  const group = fc.integer({ min: 1, max: 5 }).chain((width) =>
    fc.array(fc.array(cell, { minLength: width, maxLength: width }), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  fc.assert(
    fc.property(fc.array(group), fc.array(fc.integer({ min: 1, max: 400 })), (groups, sizes) => {
      const well = groups.map((rows) =>
        rows.map((row) => row.map((each) => each && Buffer.from(each).toString())),
      )
      let rest = Buffer.from(well.map(wireOf).join(''))
      const chunks: Buffer[] = []
      for (const size of sizes) {
        chunks.push(rest.subarray(0, size))
        rest = rest.subarray(size)
      }
      expect(parsed(well, [...chunks.filter(({ length }) => length > 0), rest])).toEqual(well)
    }),
  )
})

test.for([
  ['a reply that nobody waits for', '+OK\r\n', []],
  ['a row of another length', '*2\r\n$1\r\na\r\n$1\r\nb\r\n', [[['a']]]],
  ['text where a row belongs', '$2\r\nhi\r\n', [[['a']]]],
  ['an error inside a row', '*1\r\n-ERR no\r\n', [[['a']]]],
  ['a length that is no number', '*1\r\n$x\r\n', [[['a']]]],
] as const)('trusts nothing after %s', ([, text, groups]) => {
  expect(() => parsed(groups, [Buffer.from(text)])).toThrow('not asked for')
})
