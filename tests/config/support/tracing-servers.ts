import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readText, root } from './files.ts'
import { freePorts, start, temporaryFolder, withReplaced } from './run.ts'

export const COLLECTOR_TEXT = readText('config/otel/otel-collector-config.yaml')
/** Jaeger's file as it is in the container, with its folder where it is here. */
export const JAEGER_TEXT = withReplaced(readText('config/jaeger/jaeger.yaml'), {
  '/etc/jaeger': join(root, 'config/jaeger'),
})

export interface TracingServers extends AsyncDisposable {
  /** Where spans are sent to. */
  readonly otlpUrl: string
  readonly spanMetricsUrl: string
  readonly jaegerUrl: string
  readonly samplingUrl: string
}

/** The collector in front of Jaeger, with the stack's own files, on loopback and in more of a hurry. */
export async function startTracingServers(
  programs: { readonly otelcol: string; readonly jaeger: string },
  signal: AbortSignal,
): Promise<TracingServers> {
  await using stack = new AsyncDisposableStack()
  const folder = stack.use(await temporaryFolder())
  const ports = await freePorts(14)
  const at = (index: number) => `127.0.0.1:${ports[index]}`

  const jaegerFile = join(folder.path, 'jaeger.yaml')
  const jaegerText = withReplaced(JAEGER_TEXT, {
    '0.0.0.0:16686': at(0),
    '0.0.0.0:16685': at(1),
    '0.0.0.0:5778': at(2),
    '0.0.0.0:5779': at(3),
    '0.0.0.0:13133': at(4),
    '0.0.0.0:4317': at(5),
    '0.0.0.0:4318': at(6),
    '0.0.0.0:14268': at(7),
    'port: 8888': `port: ${ports[8]}`,
  })
  await writeFile(jaegerFile, jaegerText)
  const jaegerArgs = [`--config=${jaegerFile}`]
  stack.use(await start(programs.jaeger, jaegerArgs, `http://${at(4)}/status`, signal))

  const collectorFile = join(folder.path, 'collector.yaml')
  const collectorText = withReplaced(COLLECTOR_TEXT, {
    'jaeger:4317': at(5),
    '0.0.0.0:4317': at(9),
    '0.0.0.0:4318': at(10),
    '0.0.0.0:8889': at(11),
    '0.0.0.0:13133': at(12),
    'port: 8888': `port: ${ports[13]}`,
    'decision_wait: 10s': 'decision_wait: 1s',
    'metrics_flush_interval: 30s': 'metrics_flush_interval: 1s',
  })
  await writeFile(collectorFile, collectorText)
  const collectorArgs = [`--config=${collectorFile}`]
  stack.use(await start(programs.otelcol, collectorArgs, `http://${at(12)}/`, signal))

  const kept = stack.move()
  return {
    otlpUrl: `http://${at(10)}/v1/traces`,
    spanMetricsUrl: `http://${at(11)}/metrics`,
    jaegerUrl: `http://${at(0)}`,
    samplingUrl: `http://${at(2)}/api/sampling`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  }
}
