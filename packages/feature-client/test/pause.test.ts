import { expect, test } from 'vitest'
import { pauseMs, readRetryAfter } from '../src/http/pause.ts'

const NOW = Date.UTC(2025, 2, 3, 15, 30)

test('waits twice as long each time, up to a second, half of it by chance', () => {
  const range = (attempt: number) => [0, 1].map((random) => pauseMs(attempt, undefined, random))
  expect([1, 2, 3, 20].map(range)).toEqual([
    [12.5, 25],
    [25, 50],
    [50, 100],
    [500, 1_000],
  ])
})

test('adds the same to what the server asks for, so that not all come back at once', () => {
  expect(pauseMs(1, 2_000, 0)).toBe(2_012.5)
  expect(pauseMs(1, 0, 1)).toBe(25)
})

test.for<[string | undefined, number | undefined]>([
  [undefined, undefined],
  ['0', 0],
  ['120', 120_000],
  ['Mon, 03 Mar 2025 15:30:05 GMT', 5_000],
  ['Mon, 03 Mar 2025 15:29:00 GMT', 0],
  ['soon', undefined],
  ['-1', 0],
])('reads the header %s as %s ms', ([header, ms]) => {
  expect(readRetryAfter(header, NOW)).toBe(ms)
})
