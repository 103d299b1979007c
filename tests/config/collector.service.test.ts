import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { program } from '../support/standin.ts'
import { SPAN_METRICS } from './support/metric-names.ts'
import { run, temporaryFolder, withReplaced } from './support/run.ts'
import { type JaegerTrace, traces } from './support/spans.ts'
import { COLLECTOR_TEXT, JAEGER_TEXT, startTracingServers } from './support/tracing-servers.ts'

const otelcol = program('otelcol')
const jaeger = program('jaeger')

async function validate(path: string, text: string, env: NodeJS.ProcessEnv = {}) {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'config.yaml')
  await writeFile(file, text)
  return await run(path, ['validate', `--config=${file}`], { env: { ...process.env, ...env } })
}

test.skipIf(otelcol.missing)(
  'the collector takes its configuration, and no misspelt one',
  async () => {
    expect(await validate(otelcol.path, COLLECTOR_TEXT)).toMatchObject({ code: 0 })
    const broken = withReplaced(COLLECTOR_TEXT, { 'decision_wait:': 'decisions_wait:' })
    expect((await validate(otelcol.path, broken)).output).toContain('decisions_wait')
  },
)

describe.skipIf(jaeger.missing)('Jaeger', () => {
  test.for(['memory', 'badger'])('takes its configuration with storage in %s', async (storage) => {
    const answer = await validate(jaeger.path, JAEGER_TEXT, { JAEGER_STORAGE: storage })
    expect(answer).toMatchObject({ code: 0 })
  })

  test('takes no storage that has no file', async () => {
    const answer = await validate(jaeger.path, JAEGER_TEXT, { JAEGER_STORAGE: 'tape' })
    expect(answer.code).not.toBe(0)
    expect(answer.output).toContain('tape.yaml')
  })
})

const CHEAP = 100
const SECRETS = {
  'http.request.header.authorization': 'Bearer hunter2hunter2',
  'url.query': 'token=hunter2',
  'db.password': 'hunter2',
  'peer.url': 'postgres://usdcop:hunter2@timescaledb:5432/usdcop',
  note: 'hvs.hunter2hunter2hunter2AAAA',
}

test.skipIf(otelcol.missing || jaeger.missing)(
  'from a service to Jaeger: cleaned, counted, and what somebody may ask about kept',
  async ({ signal }) => {
    const programs = { otelcol: otelcol.path, jaeger: jaeger.path }
    await using servers = await startTracingServers(programs, signal)

    const body = traces('inference-gateway', [
      { name: 'GET /readyz', attributes: { 'http.route': '/readyz' } },
      { name: 'POST /v1/decisions', attributes: { 'usdcop.decision.outcome': 'LONG', ...SECRETS } },
      { name: 'POST /failed', error: 'no route to postgres://usdcop:hunter2@timescaledb' },
      { name: 'POST /slow', durationMs: 900 },
      ...Array.from({ length: CHEAP }, () => ({ name: 'GET /cheap' })),
    ])
    const sent = await fetch(servers.otlpUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal,
    })
    expect(sent.status).toBe(200)

    const kept = await eventually(
      'the traces in Jaeger',
      async (within) => {
        const path = '/api/traces?service=inference-gateway&limit=500'
        const answer = await fetch(`${servers.jaegerUrl}${path}`, { signal: within })
        const { data } = (await answer.json()) as { data: JaegerTrace[] }
        const found = data.flatMap((trace) => trace.spans)
        const names = new Set(found.map(({ operationName }) => operationName))
        expect([...names]).toEqual(
          expect.arrayContaining(['POST /v1/decisions', 'POST /failed', 'POST /slow']),
        )
        return found
      },
      { signal, withinMs: 30_000 },
    )
    const cheap = kept.filter(({ operationName }) => operationName === 'GET /cheap')
    expect(cheap.length).toBeLessThan(CHEAP / 2)
    expect(kept.map(({ operationName }) => operationName)).not.toContain('GET /readyz')
    expect(JSON.stringify(kept)).not.toContain('hunter2')
    const decision = kept.find(({ operationName }) => operationName === 'POST /v1/decisions')
    expect(Object.fromEntries(decision?.tags.map(({ key, value }) => [key, value]) ?? [])).toEqual({
      'otel.scope.name': 'test',
      'span.kind': 'server',
      'usdcop.decision.outcome': 'LONG',
      'db.password': '****',
      'peer.url': 'postgres****timescaledb:5432/usdcop',
      note: '****',
    })

    await eventually(
      'the numbers of all spans, not of the sample',
      async (within) => {
        const metrics = await (await fetch(servers.spanMetricsUrl, { signal: within })).text()
        for (const name of SPAN_METRICS) expect(metrics).toContain(`\n${name}{`)
        expect(metrics).toMatch(new RegExp(`calls_total\\{[^}]*"GET /cheap"[^}]*\\} ${CHEAP}\\b`))
        expect(metrics).toMatch(/calls_total\{[^}]*usdcop_decision_outcome="LONG"[^}]*\} 1\b/)
        expect(metrics).not.toContain('readyz')
        expect(metrics).not.toContain('i-1')
      },
      { signal, withinMs: 30_000 },
    )
    const strategy = await fetch(`${servers.samplingUrl}?service=materializer`, { signal })
    expect(await strategy.json()).toMatchObject({ probabilisticSampling: { samplingRate: 1 } })
  },
)
