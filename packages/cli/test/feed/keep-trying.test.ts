import { expect, test } from 'vitest'
import { keepTrying, NotNow, pauseMs } from '../../src/feed/keep-trying.ts'

const signal = AbortSignal.timeout(10_000)

/** Fails so many times, and notes what is told meanwhile. */
async function outage(failures: number) {
  const told: string[] = []
  let left = failures
  const attempt = async (): Promise<string> => {
    if (left-- > 0) throw new NotNow('away')
    return 'done'
  }
  const patience = { onAway: (why: string) => told.push(why), onBack: () => told.push('back') }
  return { result: await keepTrying(attempt, patience, signal), told }
}

test('pauses longer while it goes on failing, up to five seconds', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 99].map(pauseMs)).toEqual([
    100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000,
  ])
})

test('says nothing of what is soon over', async () => {
  expect(await outage(2)).toEqual({ result: 'done', told: [] })
})

test('tells once of what lasts, and once when it is over', async () => {
  expect(await outage(4)).toEqual({ result: 'done', told: ['away', 'back'] })
})

test('does not try again what failed for good', async () => {
  let attempts = 0
  const attempt = () => {
    attempts += 1
    return Promise.reject(new Error('refused'))
  }
  const patience = { onAway: () => {}, onBack: () => {} }
  await expect(keepTrying(attempt, patience, signal)).rejects.toThrow('refused')
  expect(attempts).toBe(1)
})

test('stops trying at the signal, in the middle of a pause', async () => {
  const stop = new AbortController()
  const attempt = () => Promise.reject(new NotNow('away'))
  const patience = { onAway: () => stop.abort(), onBack: () => {} }
  await expect(keepTrying(attempt, patience, stop.signal)).rejects.toMatchObject({
    name: 'AbortError',
  })
})
