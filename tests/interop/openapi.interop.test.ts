import { startOwnRedis } from '@usdcop/tests/support/redis'
import { expect, test } from 'vitest'
import { testOpenApi } from './drop-in/openapi.ts'
import { post } from './drop-in/post.ts'
import { feastRepository, READER, startOurs, WRITER } from './drop-in/servers.ts'

// A twentieth of the soak's, always the same ones.
testOpenApi(50)

const TIME = '2025-03-03T15:30:00Z'
/** A body that a writer may send, for every route that writes. */
const WRITES: Readonly<Record<string, object>> = {
  '/push': {
    push_source_name: 'moment_push',
    df: { moment_id: [5], height: [1.5], event_timestamp: [TIME] },
  },
  '/write-to-online-store': {
    feature_view_name: 'station_level',
    df: { station_id: [5], level: [0.5], event_timestamp: [TIME] },
  },
  '/materialize': { start_ts: '2025-03-02', end_ts: TIME, feature_views: ['station_level'] },
  '/materialize-incremental': { end_ts: TIME, feature_views: ['station_level'] },
}

test('every route that writes refuses whoever has no right to', async ({ signal }) => {
  await using redis = await startOwnRedis()
  await using repository = await feastRepository(redis.url, signal)
  await using server = await startOurs(repository, 'FEAST_REPO')
  const described = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, { security?: readonly object[] }>>>>
  }
  const writing = Object.entries(described.paths).flatMap(([path, { post: route }]) =>
    route === undefined || path === '/get-online-features' ? [] : [{ path, ...route }],
  )
  expect(writing.map(({ path }) => path).sort()).toEqual(Object.keys(WRITES).sort())
  for (const { path, security } of writing) {
    expect({ path, security }).toEqual({ path, security: [{ bearer: [] }] })
    const send = (authorization?: string) =>
      post(server.url + path, JSON.stringify(WRITES[path]), signal, {
        ...(authorization !== undefined && { authorization }),
      })
    const refused = [
      await send(),
      await send('Bearer guessed'),
      await send(`Basic ${Buffer.from(`writes:${WRITER}`).toString('base64')}`),
      await send(`Bearer ${READER}`),
    ]
    expect({ path, statuses: refused.map(({ status }) => status) }).toEqual({
      path,
      statuses: [401, 401, 401, 403],
    })
    const { status } = await send(`Bearer ${WRITER}`)
    expect([200, 501]).toContain(status)
  }
})
