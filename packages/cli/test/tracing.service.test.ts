import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startOtlpSink } from '@usdcop/tests/support/otlp-sink'
import { expect, test } from 'vitest'
import { runAllInOne } from '../src/all-in-one.ts'
import { writeSmallData } from './small-data.ts'

test('traces every bar of a replay, where the environment asks for it', async ({ signal }) => {
  const folder = await mkdtemp(join(tmpdir(), 'usdcop-traced-'))
  await using sink = await startOtlpSink()
  try {
    const { bars, macro } = await writeSmallData(folder)
    const log = { file: join(folder, 'log', 'usdcop.log') }
    const env = {
      BARS_FILE: bars,
      MACRO_FILE: macro,
      DATA_DIR: join(folder, 'state'),
      FEATURE_SERVER_PORT: '0',
      MATERIALIZER_PORT: '0',
      GATEWAY_PORT: '0',
      REPLAY_FROM: '2025-06-27',
      REPLAY_SPEED: 'max',
      REPLAY_EXIT: 'true',
      TRACING_ENABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    }
    await runAllInOne({ env, log, onReport: () => {} }, signal)
    expect(await readFile(log.file, 'utf8')).not.toContain('the collector takes no spans')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const roots = sink.spans.filter(({ name }) => name === 'process bar_closed')
  expect(roots.map(({ parentSpanId }) => parentSpanId)).toEqual(Array(60).fill(''))
  for (const { traceId } of roots) {
    const names = sink.spans.filter((span) => span.traceId === traceId).map(({ name }) => name)
    expect(names.toSorted()).toEqual([
      'POST /get-online-features',
      'POST /get-online-features',
      'POST /push',
      'POST /push',
      'commit decision',
      'process bar_closed',
    ])
  }
  expect(new Set(sink.spans.map(({ resource }) => resource['service.name']))).toEqual(
    new Set(['all-in-one']),
  )
})
