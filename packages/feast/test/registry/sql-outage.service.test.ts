import { inspect } from 'node:util'
import { startOwnPostgres } from '@usdcop/tests/support/postgres'
import { freePort } from '@usdcop/tests/support/redis-node'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parsePostgresUrl } from '../../src/config/postgres-url.ts'
import { followRegistry } from '../../src/registry/hot-registry.ts'
import { openSqlRegistry } from '../../src/registry/sql/store.ts'
import { shop } from './shop.ts'

function open(url: string) {
  const connection = parsePostgresUrl(url.replace('postgres@', 'postgres:geheim@'))
  const rest = { makesTables: true, keepsMetadata: true, onlineVersioning: false }
  const config = { type: 'sql' as const, connection, readConnection: connection, ...rest }
  const store = openSqlRegistry(config, 'shop', Date.now)
  onTestFinished(async () => await store.close())
  return store
}

test('does not start without its server, says where it looked, and no password', async ({
  signal,
}) => {
  const port = await freePort()
  const store = open(`postgresql+psycopg://postgres@127.0.0.1:${port}/feast`)
  const options = { intervalMs: 1, onError: () => {}, signal }
  const error = await followRegistry(store, options).catch((caught: unknown) => caught)
  expect(error).toMatchObject({
    code: 'store_unavailable',
    message: `the registry in 127.0.0.1:${port}/feast cannot be used`,
    cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
  })
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('geheim')
})

test.for(['SIGQUIT', 'SIGINT'] as const)(
  'serves what it has while its server is away after %s, tells it once, and goes on',
  { timeout: 60_000 },
  async (how, { signal }) => {
    await using postgres = await startOwnPostgres()
    const store = open(postgres.url)
    await store.apply(shop(), signal)
    const errors: unknown[] = []
    const onError = (error: unknown) => errors.push(error)
    const followed = await followRegistry(store, { intervalMs: 5, onError, signal })
    onTestFinished(async () => await followed.stop())
    const before = followed.current

    await postgres.down(how)
    await vi.waitFor(() => expect(errors).not.toEqual([]))
    // As many looks as it takes to tell a second time.
    for (let look = 0; look < 5; look += 1)
      await expect(followed.refresh(signal)).rejects.toMatchObject({ code: 'store_unavailable' })
    expect(followed.current).toBe(before)
    expect(inspect(errors, { depth: 10, showHidden: true })).not.toContain('geheim')

    await postgres.up()
    await open(postgres.url).recordMaterialization('stats', { start: 1, end: 2 }, signal)
    await vi.waitFor(() => expect(followed.current).not.toBe(before))
    expect(followed.current.views.get('stats')?.intervals).toEqual([{ start: 1, end: 2 }])
    expect(errors).toHaveLength(1)
  },
)

test('ends the wait for a server that does not answer when told to', async () => {
  // An address of nobody: TEST-NET-1.
  const store = open('postgresql://postgres@192.0.2.1:5432/feast')
  const asked = new AbortController()
  const reading = store.read(asked.signal)
  asked.abort()
  await expect(reading).rejects.toThrow('abort')
})
