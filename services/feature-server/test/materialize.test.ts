import type { MaterializationJob, Materializer } from '@usdcop/feast/registry/materialization'
import { ServiceError } from '@usdcop/service/errors'
import { expect, test } from 'vitest'
import { demo, detailIn, post } from './demo.ts'
import { TOKENS, temporaryStore, testApp } from './feature-server.ts'

const NOW = Date.UTC(2025, 5, 1)
const send = (url: string, body: unknown, token: string = TOKENS.writer) => post(url, body, token)

/** A materializer whose runs end when the test says so. */
function heldMaterializer() {
  const jobs: MaterializationJob[] = []
  const gates: PromiseWithResolvers<void>[] = []
  const materializer: Materializer = {
    async run(job, signal, onProgress) {
      jobs.push(job)
      const gate = Promise.withResolvers<void>()
      gates.push(gate)
      signal.addEventListener('abort', () => gate.reject(signal.reason))
      await gate.promise
      return (job.views ?? []).map((view) => {
        onProgress?.({ view, rows: 1 })
        return { view, start: 0, end: job.end, rows: 1, older: 0 }
      })
    },
  }
  return { jobs, gates, materializer }
}

const instant: (jobs: MaterializationJob[]) => Materializer = (jobs) => ({
  run: async (job) => {
    jobs.push(job)
    return (job.views ?? []).map((view) => ({ view, start: 0, end: job.end, rows: 1, older: 0 }))
  },
})

test.for([
  {
    name: 'a window, naive instants as UTC',
    url: '/materialize',
    body: {
      start_ts: '2025-01-01T00:00:00',
      end_ts: '2025-01-02 00:00:00+01:00',
      feature_views: ['trips'],
    },
    job: {
      views: ['trips'],
      start: Date.UTC(2025, 0, 1),
      end: Date.UTC(2025, 0, 1, 23),
      ignoreEventTimestamps: false,
    },
  },
  {
    name: 'everything there is',
    url: '/materialize',
    body: { disable_event_timestamp: true },
    job: { views: ['stats', 'trips'], start: 0, end: NOW, ignoreEventTimestamps: true },
  },
  {
    name: 'what is new',
    url: '/materialize-incremental',
    body: { end_ts: '2025-01-02', feature_views: null, full_feature_names: true },
    job: {
      views: ['stats', 'trips'],
      start: undefined,
      end: Date.UTC(2025, 0, 2),
      ignoreEventTimestamps: false,
    },
  },
])('materializes $name', async ({ url, body, job }) => {
  await using store = temporaryStore('demo')
  const jobs: MaterializationJob[] = []
  await using app = testApp({ registry: demo, store, now: NOW, materializer: instant(jobs) })
  const reply = await app.inject(send(url, body))
  expect([reply.statusCode, reply.body, jobs]).toEqual([200, 'null', [job]])
  const { body: metrics } = await app.inject('/metrics')
  for (const view of job.views)
    expect(metrics).toMatch(
      new RegExp(
        `feast_materialization_result_total{feature_view="${view}",status="success",.*} 1`,
      ),
    )
})

test.for([
  {
    name: 'no window',
    url: '/materialize',
    body: {},
    status: 422,
    says: 'start_ts and end_ts are required',
  },
  {
    name: 'a window that ends where it starts',
    url: '/materialize',
    body: { start_ts: '2025-01-02', end_ts: '2025-01-02' },
    status: 422,
    says: 'must be before',
  },
  {
    name: 'words for a time',
    url: '/materialize',
    body: { start_ts: 'yesterday', end_ts: '2025-01-02' },
    status: 422,
    says: 'Invalid timestamp',
  },
  { name: 'no end', url: '/materialize-incremental', body: {}, status: 422, says: 'end_ts' },
  {
    name: 'views that are no list',
    url: '/materialize-incremental',
    body: { end_ts: '2025-01-02', feature_views: 'trips' },
    status: 422,
    says: 'list_type',
  },
  {
    name: 'an unknown view',
    url: '/materialize-incremental',
    body: { end_ts: '2025-01-02', feature_views: ['x'] },
    status: 404,
    says: 'FeatureViewNotFoundException',
  },
  {
    name: 'a version of many views',
    url: '/materialize-incremental',
    body: { end_ts: '2025-01-02', version: 'v2' },
    status: 422,
    says: 'exactly one',
  },
  {
    name: 'a version where none are served',
    url: '/materialize-incremental',
    body: { end_ts: '2025-01-02', feature_views: ['trips'], version: 'v2' },
    status: 422,
    says: 'enable_online_feature_view_versioning',
  },
  {
    name: 'a flag that is none',
    url: '/materialize-incremental?async=perhaps',
    body: { end_ts: '2025-01-02' },
    status: 422,
    says: 'bool_parsing',
  },
])('refuses $name', async ({ url, body, status, says }) => {
  await using store = temporaryStore('demo')
  const jobs: MaterializationJob[] = []
  await using app = testApp({ registry: demo, store, now: NOW, materializer: instant(jobs) })
  const reply = await app.inject(send(url, body))
  expect([reply.statusCode, jobs]).toEqual([status, []])
  expect(reply.body).toContain(says)
})

test('says 409 for a view under way, whether asked for at once or not, and lets others run', async () => {
  await using store = temporaryStore('demo')
  const { jobs, gates, materializer } = heldMaterializer()
  await using app = testApp({ registry: demo, store, now: NOW, materializer })
  const of = (...views: string[]) => ({ end_ts: '2025-01-02', feature_views: views })
  const first = await app.inject(send('/materialize-incremental?async=true', of('trips')))
  expect([first.statusCode, first.json()]).toEqual([
    202,
    { status: 'accepted', feature_views: ['trips'] },
  ])
  for (const query of ['', '?async=true', '?async=true&force=true']) {
    const again = await app.inject(send(`/materialize-incremental${query}`, of('trips', 'stats')))
    expect(again.statusCode).toBe(409)
    expect(again.json()).toEqual({
      error: expect.stringContaining('trips'),
      feature_views: ['trips'],
    })
  }
  const other = await app.inject(send('/materialize-incremental?async=1', of('stats')))
  expect(other.statusCode).toBe(202)
  gates[0]?.resolve()
  gates[1]?.resolve()
  await expect
    .poll(
      async () =>
        (await app.inject(send('/materialize-incremental?async=true', of('trips')))).statusCode,
    )
    .toBe(202)
  expect(jobs).toHaveLength(3)
})

test('ends what runs when it ends, and counts it as failed', async () => {
  await using store = temporaryStore('demo')
  const { materializer } = heldMaterializer()
  const app = testApp({ registry: demo, store, now: NOW, materializer })
  await app.inject(send('/materialize-incremental?async=true', { end_ts: '2025-01-02' }))
  const waiting = app.inject(
    send('/materialize-incremental', { end_ts: '2025-01-02', feature_views: [] }),
  )
  await app.close()
  expect((await waiting).statusCode).toBe(503)
})

test('tells a conflict that the materializer finds in the same shape', async () => {
  await using store = temporaryStore('demo')
  const materializer: Materializer = {
    run: () => Promise.reject(new ServiceError('conflict', 'somebody else materializes it')),
  }
  await using app = testApp({ registry: demo, store, now: NOW, materializer })
  const body = { end_ts: '2025-01-02', feature_views: ['trips'] }
  const reply = await app.inject(send('/materialize-incremental', body))
  expect([reply.statusCode, reply.json<{ feature_views: string[] }>().feature_views]).toEqual([
    409,
    ['trips'],
  ])
  expect((await app.inject('/metrics')).body).toMatch(
    /feast_materialization_result_total\{feature_view="trips",status="failure",.*\} 1/,
  )
})

test('says so where nobody materializes for it, and needs a writer before that', async () => {
  await using store = temporaryStore('demo')
  await using app = testApp({ registry: demo, store, now: NOW })
  const body = { end_ts: '2025-01-02' }
  const reply = await app.inject(send('/materialize-incremental', body))
  expect(reply.statusCode).toBe(501)
  expect(detailIn(reply.body).message).toContain('without a materializer')
  expect((await app.inject(send('/materialize-incremental', body, TOKENS.reader))).statusCode).toBe(
    403,
  )
})
