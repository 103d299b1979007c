import { fork } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { startOtlpSink } from '@usdcop/tests/support/otlp-sink'
import { expect, test } from 'vitest'

const here = (path: string): string => new URL(path, import.meta.url).href
/** Nobody listens there: a port of the reserved range. */
const DEAD = 'http://127.0.0.1:1'

/** Starts the small service behind the start-up file; `end` asks it to end and says how it went. */
async function startService(env: NodeJS.ProcessEnv) {
  const child = fork(fileURLToPath(here('./small-service.ts')), {
    execArgv: ['--import', here('./record-loads.ts'), '--import', here('../src/register.ts')],
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const output = Promise.all([text(child.stdout!), text(child.stderr!)])
  const [{ url, loaded }] = (await once(child, 'message')) as [{ url: string; loaded: string[] }]
  return {
    loaded,
    async push(): Promise<unknown> {
      const headers = { 'content-type': 'application/json', connection: 'close' }
      const reply = await fetch(`${url}/push`, { method: 'POST', body: '{}', headers })
      return await reply.json()
    },
    async end() {
      child.kill('SIGTERM')
      const [status] = (await once(child, 'exit')) as [number | null]
      const [stdout, stderr] = await output
      return { status, stdout, stderr }
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}

const isSdk = (url: string): boolean => /opentelemetry\/(sdk|exporter|otlp)|@grpc/.test(url)
const quiet = { status: 0, stdout: '', stderr: '' }

test('loads nothing of the SDK while tracing is off, and changes nothing', async () => {
  using service = await startService({ OTEL_EXPORTER_OTLP_ENDPOINT: DEAD })
  expect(service.loaded.filter((url) => url.endsWith('/tracing/src/register.ts'))).toHaveLength(1)
  expect(service.loaded.filter(isSdk)).toEqual([])
  expect(await service.push()).toEqual({})
  expect(await service.end()).toEqual(quiet)
})

test('traces a service that knows nothing of it, and sends the last spans at its end', async () => {
  await using sink = await startOtlpSink()
  using service = await startService({
    TRACING_ENABLED: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_SERVICE_NAME: 'feature-server',
    OTEL_RESOURCE_ATTRIBUTES: 'service.version=9.9.9,cloud.region=bogota',
    DEPLOYMENT_ENVIRONMENT: 'demo',
  })
  expect(service.loaded.filter(isSdk)).not.toEqual([])
  const fields = (await service.push()) as { trace_id: string }
  expect(await service.end()).toEqual(quiet)
  expect(sink.spans).toHaveLength(1)
  expect(sink.spans[0]).toMatchObject({
    name: 'POST /push',
    traceId: fields.trace_id,
    resource: {
      'service.name': 'feature-server',
      'service.namespace': 'usdcop',
      'service.version': '9.9.9',
      'deployment.environment.name': 'demo',
      'cloud.region': 'bogota',
    },
  })
  const resource = Object.keys(sink.spans[0]?.resource ?? {})
  expect(resource.filter((name) => /^(process|host|os)\./.test(name))).toEqual([])
})

test('follows the sampler that the standard variables name', async () => {
  await using sink = await startOtlpSink()
  using service = await startService({
    TRACING_ENABLED: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
  expect(await service.push()).toMatchObject({ trace_flags: '00' })
  expect(await service.end()).toEqual(quiet)
  expect(sink.spans).toEqual([])
})

test('serves, says one line and ends as ever when nobody takes the spans', async () => {
  using service = await startService({
    TRACING_ENABLED: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: DEAD,
    OTEL_BSP_SCHEDULE_DELAY: '10',
  })
  for (let count = 0; count < 20; count += 1)
    expect(await service.push()).toMatchObject({ trace_flags: '01' })
  const { status, stdout, stderr } = await service.end()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout.trim().split('\n')).toHaveLength(1)
  expect(JSON.parse(stdout)).toMatchObject({
    endpoint: DEAD,
    message: 'the collector takes no spans',
  })
})

test('starts the service all the same when the endpoint makes no sense', async () => {
  using service = await startService({
    TRACING_ENABLED: 'true',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://',
  })
  expect(await service.push()).toEqual({})
  const { status, stderr } = await service.end()
  expect(status).toBe(0)
  expect(stderr).toMatch(/^tracing did not start: .+\n$/)
})
