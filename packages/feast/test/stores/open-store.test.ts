import { expect, test } from 'vitest'
import { parseConnectionString } from '../../src/config/connection-string.ts'
import { openOnlineStore } from '../../src/stores/open-store.ts'

const open = (connectionString: string) =>
  openOnlineStore(
    {
      type: 'redis',
      redisType: 'redis',
      sentinelMaster: 'mymaster',
      keyTtlSeconds: undefined,
      skipDedup: false,
      ...parseConnectionString(connectionString),
    },
    'drivers',
    { onError: () => {} },
  )

test.for([
  '${REDIS_CONNECTION_STRING}',
  '$REDIS_CONNECTION_STRING',
  'a:6379,$REDIS_CONNECTION_STRING:6379',
])('names the variable that is not set, and looks for no such host: %s', (connectionString) => {
  expect(() => open(connectionString)).toThrow(
    expect.objectContaining({
      code: 'config_invalid',
      message: 'online_store.connection_string: the environment has no REDIS_CONNECTION_STRING',
    }),
  )
})

test('takes a password as it is written', async () => {
  const store = open('127.0.0.1:1,password=$REDIS')
  await expect(store.close()).resolves.toBeUndefined()
})
