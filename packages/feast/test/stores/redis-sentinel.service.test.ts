import { inspect } from 'node:util'
import { redisConfig } from '@usdcop/tests/support/redis-config'
import { SENTINEL_MASTER, startWatchedRedis } from '@usdcop/tests/support/redis-sentinel'
import { expect, test } from 'vitest'
import { openOnlineStore } from '../../src/stores/open-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'

const signal = AbortSignal.timeout(120_000)
const key = entityKey([['id', { type: 'INT64', value: 1n }]])
const row = (eventTimestamp: number) => ({ entityKey: key, eventTimestamp, values: new Map() })

test('finds the master through the sentinels, and the next one after a failover', async () => {
  await using redis = await startWatchedRedis('s3cret')
  const errors: Error[] = []
  const config = redisConfig(redis.sentinels, {
    redisType: 'redis_sentinel',
    sentinelMaster: SENTINEL_MASTER,
    password: 's3cret',
  })
  const store = openOnlineStore(config, 'demo', { onError: (error) => errors.push(error) })
  const outcome = (eventTimestamp: number) =>
    store.write('v', [row(eventTimestamp)], signal).then(
      ([one]) => one,
      (error: { code: string }) => error.code,
    )
  await expect.poll(() => outcome(1), { timeout: 10_000 }).toBe('older')

  await redis.master.kill()
  expect(await outcome(2)).toBe('store_unavailable')
  await expect.poll(() => outcome(3), { timeout: 30_000 }).toBe('older')

  // The old master comes back as a replica; nobody writes to it any more.
  await redis.master.up()
  expect(await outcome(4)).toBe('written')
  expect(inspect(errors, { showHidden: true, depth: null })).not.toContain('s3cret')
  await store.close()
})
