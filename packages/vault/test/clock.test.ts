import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MAX_TIMER_MS, monotonicClock } from '../src/clock.ts'

test.for([MAX_TIMER_MS + 1, 768 * 3_600_000 * 2, 10 * 365 * 86_400_000, Infinity])(
  'a sleep of %d ms, more than a timer of Node can hold, does not end at once',
  async (ms) => {
    const ending = new AbortController()
    const slept = monotonicClock.sleep(ms, ending.signal).then(
      () => 'ended',
      () => 'was ended',
    )
    expect(await Promise.race([slept, delay(50).then(() => 'goes on')])).toBe('goes on')
    ending.abort()
    expect(await slept).toBe('was ended')
  },
)

test('a sleep of nothing ends, and one that was ended before it began rejects', async () => {
  await monotonicClock.sleep(0, new AbortController().signal)
  const reason = new Error('before')
  await expect(monotonicClock.sleep(0, AbortSignal.abort(reason))).rejects.toBe(reason)
})
