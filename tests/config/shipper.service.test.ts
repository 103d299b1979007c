import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually } from '../stack/support/eventually.ts'
import { program } from '../support/standin.ts'
import { readText, root } from './support/files.ts'
import { freePorts, run, start, temporaryFolder, withReplaced } from './support/run.ts'

const loki = program('loki')
const shipper = program('otelcol-logs')
const lokiText = readText('config/loki/loki.yml')
const shipperText = readText('docker/standin/log-shipper/otelcol-logs.yaml')

describe.skipIf(loki.missing)('Loki', () => {
  test('takes its configuration', async () => {
    const file = join(root, 'config/loki/loki.yml')
    const args = [`-config.file=${file}`, '-verify-config']
    expect(await run(loki.path, args)).toMatchObject({ code: 0 })
  })

  test('refuses retention without a place for deletions', async () => {
    await using folder = await temporaryFolder()
    const file = join(folder.path, 'loki.yml')
    const broken = withReplaced(lokiText, { 'delete_request_store: filesystem': '' })
    await writeFile(file, broken)
    const { code, output } = await run(loki.path, [`-config.file=${file}`, '-verify-config'])
    expect(code).not.toBe(0)
    expect(output).toContain('delete-request-store')
  })
})

interface Stream {
  readonly stream: Readonly<Record<string, string>>
  readonly values: readonly (readonly [
    string,
    string,
    { readonly structuredMetadata?: Readonly<Record<string, string>> },
  ])[]
}

/** Docker's envelope around a line, a millisecond after the one before. */
function envelopes(lines: readonly { readonly text: string; readonly service?: string }[]): string {
  const first = Date.now()
  return lines
    .map(({ text, service }, index) => {
      const attrs =
        service === undefined ? {} : { attrs: { 'com.docker.compose.service': service } }
      const time = new Date(first + index).toISOString()
      return `${JSON.stringify({ log: text, stream: 'stdout', time, ...attrs })}\n`
    })
    .join('')
}

test.skipIf(loki.missing || shipper.missing)(
  'from Docker’s files to Loki: by service and level, traces beside the lines, no secret',
  async ({ signal }) => {
    await using folder = await temporaryFolder()
    const [port, grpcPort, metricsPort] = await freePorts(3)
    const lokiUrl = `http://127.0.0.1:${port}`
    const lokiFile = join(folder.path, 'loki.yml')
    const lokiHere = withReplaced(lokiText, {
      'http_listen_port: 3100': `http_listen_port: ${port}\n  http_listen_address: 127.0.0.1`,
      'grpc_listen_port: 9096': `grpc_listen_port: ${grpcPort}\n  grpc_listen_address: 127.0.0.1`,
      ' /loki': ` ${join(folder.path, 'loki')}`,
    })
    await writeFile(lokiFile, lokiHere)
    await mkdir(join(folder.path, 'containers/abc'), { recursive: true })
    const log = join(folder.path, 'containers/abc/abc-json.log')
    const trace = { trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' }
    const gateway = 'inference-gateway'
    await writeFile(
      log,
      envelopes([
        { text: `${JSON.stringify({ level: 30, msg: 'decided', ...trace })}\n`, service: gateway },
        { text: `${JSON.stringify({ level: 50, db_password: 'hunter2' })}\n`, service: gateway },
        // Cut by Docker in the middle of a secret.
        { text: `{"level":40,"password":"${'x'.repeat(16_000)}`, service: gateway },
        { text: 'hunter2","q":1}\n', service: gateway },
        { text: 'level=WARN msg=slow token=hunter2\n', service: 'prometheus' },
        { text: 'LOG:  database system is ready\n', service: 'timescaledb' },
        { text: '* Ready to accept connections\n', service: 'redis' },
        { text: 'of another project\n' },
      ]),
    )
    await appendFile(log, 'no envelope at all\n')
    const shipperFile = join(folder.path, 'shipper.yaml')
    const shipperHere = withReplaced(shipperText, {
      '/var/lib/docker/containers': join(folder.path, 'containers'),
      'port: 12345': `port: ${metricsPort}`,
    })
    await writeFile(shipperFile, shipperHere)
    const lokiArgs = [`-config.file=${lokiFile}`]
    await using _loki = await start(loki.path, lokiArgs, `${lokiUrl}/ready`, signal)
    // Prometheus asks Alloy there too.
    const ready = `http://127.0.0.1:${metricsPort}/metrics`
    const env = { LOKI_OTLP_ENDPOINT: `${lokiUrl}/otlp`, DEPLOYMENT_ENV: 'test' }
    await using _shipper = await start(
      shipper.path,
      [`--config=${shipperFile}`],
      ready,
      signal,
      env,
    )

    const query = new URLSearchParams({ query: '{service=~".+"}', since: '1h', limit: '100' })
    const found = await eventually(
      'six lines in Loki',
      async (within) => {
        const answer = await fetch(`${lokiUrl}/loki/api/v1/query_range?${query.toString()}`, {
          headers: { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' },
          signal: within,
        })
        const { data } = (await answer.json()) as { data: { result: Stream[] } }
        const lines = data.result.flatMap(({ stream, values }) =>
          values.map(([, line, { structuredMetadata }]) => ({
            ...stream,
            line,
            structuredMetadata,
          })),
        )
        expect(lines).toHaveLength(6)
        return lines
      },
      { signal, withinMs: 60_000 },
    )
    const of = (service: string, level: string, line: string, metadata?: object) => ({
      service,
      level,
      environment: 'test',
      line,
      structuredMetadata: metadata,
    })
    expect(found).toEqual(
      expect.arrayContaining([
        of(gateway, 'info', JSON.stringify({ level: 30, msg: 'decided', ...trace }), trace),
        of(gateway, 'error', '{"level":50,"db_password":"****"}'),
        of(gateway, 'warn', '{"level":40,"password":"****","q":1}'),
        of('prometheus', 'warn', 'level=WARN msg=slow token=****'),
        of('timescaledb', 'info', 'LOG:  database system is ready'),
        of('redis', 'unknown', '* Ready to accept connections'),
      ]),
    )
  },
)
