import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { openPostgres } from '@usdcop/database/postgres'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { type PostgresServer, startPostgres } from '@usdcop/tests/support/postgres'
import { type RedisServer, startRedis } from '@usdcop/tests/support/redis'
import { afterAll, beforeAll, describe } from 'vitest'
import { historySuite } from './support/history-suite.ts'
import { type Stores, signal } from './support/rig.ts'
import { storeSuite } from './support/store-suite.ts'

let postgres: PostgresServer
let redis: RedisServer
beforeAll(async () => {
  postgres = await startPostgres()
  redis = await startRedis()
})
afterAll(async () => {
  await redis[Symbol.asyncDispose]()
  await postgres[Symbol.asyncDispose]()
})

async function open(): Promise<Stores> {
  const db = await openPostgres({ url: await postgres.createDatabase() }, signal)
  const client = connectRedis(redis.url, () => {})
  await once(client, 'ready')
  return {
    db,
    online: createRedisStore(client, `test_${randomUUID().replaceAll('-', '')}`),
    async [Symbol.asyncDispose]() {
      client.disconnect()
      await db.close()
    },
  }
}

describe('the materializer on PostgreSQL and Redis', () => {
  storeSuite(open)
  describe('a history', () => {
    historySuite(open)
  })
})
