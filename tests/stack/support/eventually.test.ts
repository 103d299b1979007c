import { expect, test } from 'vitest'
import { eventually } from './eventually.ts'

test('returns the first answer that does not throw', async ({ signal }) => {
  let asked = 0
  const third = async () => {
    asked += 1
    if (asked < 3) throw new Error(`only ${asked}`)
    return asked
  }
  expect(await eventually('a third time', third, { signal, withinMs: 10_000 })).toBe(3)
})

test('says what was awaited and what was seen last', async ({ signal }) => {
  let asked = 0
  const never = async () => {
    asked += 1
    throw new Error(`seen ${asked}`, { cause: new Error('connection refused') })
  }
  await expect(eventually('a third time', never, { signal, withinMs: 700 })).rejects.toThrow(
    /^not within 0.7 s: a third time; last seen: seen \d \(connection refused\)$/,
  )
})

test('keeps what was seen before the attempt that the end cut off', async ({ signal }) => {
  let asked = 0
  const hangs = async (until: AbortSignal) => {
    asked += 1
    if (asked === 1) throw new Error('a real answer')
    const { promise, reject } = Promise.withResolvers<never>()
    until.addEventListener('abort', () => reject(until.reason as Error))
    return await promise
  }
  await expect(eventually('more', hangs, { signal, withinMs: 800 })).rejects.toThrow(
    'last seen: a real answer',
  )
})

test('leaves when the test is over', async () => {
  const over = AbortSignal.abort(new Error('the test is over'))
  const never = async () => {
    throw new Error('not yet')
  }
  await expect(eventually('it', never, { signal: over, withinMs: 60_000 })).rejects.toThrow(
    'the test is over',
  )
})
