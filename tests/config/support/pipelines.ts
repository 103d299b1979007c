import { z } from 'zod'

const components = z.record(z.string(), z.unknown()).default({})

/** The shape of a collector's file; Jaeger 2 is a collector too. */
export const collectorFile = z.object({
  receivers: components,
  processors: components,
  exporters: components,
  connectors: components,
  extensions: components,
  service: z.object({
    extensions: z.array(z.string()).default([]),
    pipelines: z.record(
      z.string(),
      z.object({
        receivers: z.array(z.string()),
        processors: z.array(z.string()),
        exporters: z.array(z.string()),
      }),
    ),
  }),
})
export type CollectorFile = z.infer<typeof collectorFile>

/** Names that newer collectors take with a warning, or not at all. */
const OLD = ['batch', 'otlphttp', 'spanmetrics', 'filelog', 'logging', 'jaeger_exporter']

/** Pipelines that would not start, that lose what comes in, or that count what was sampled already. */
export function pipelineFaults(file: CollectorFile): readonly string[] {
  const { service } = file
  const pipelines = Object.entries(service.pipelines)
  const used = (part: 'receivers' | 'processors' | 'exporters') =>
    new Set(pipelines.flatMap(([, pipeline]) => pipeline[part]))
  const ends = { ...file.exporters, ...file.connectors }
  const starts = { ...file.receivers, ...file.connectors }
  const all = [file.receivers, file.processors, file.exporters, file.connectors].flatMap((part) =>
    Object.keys(part),
  )
  return [
    ...difference('receiver', used('receivers'), starts),
    ...difference('processor', used('processors'), file.processors),
    ...difference('exporter', used('exporters'), ends),
    ...difference('extension', new Set(service.extensions), file.extensions),
    ...all
      .filter((name) => OLD.includes(name.split('/')[0] ?? ''))
      .map((name) => `${name} is an old name`),
    ...pipelines.flatMap(([name, { processors, exporters }]) => [
      ...(processors[0] === 'memory_limiter' ? [] : [`${name} does not limit memory first`]),
      ...(exporters.includes('span_metrics') && processors.includes('tail_sampling')
        ? [`${name} counts what is left after sampling`]
        : []),
    ]),
    ...deaf('receivers', file.receivers),
    ...deaf('extensions', file.extensions),
  ]
}

function difference(
  kind: string,
  used: ReadonlySet<string>,
  defined: Readonly<Record<string, unknown>>,
): readonly string[] {
  const names = Object.keys(defined)
  return [
    ...[...used].filter((name) => !names.includes(name)).map((name) => `no ${kind} ${name}`),
    ...names.filter((name) => !used.has(name)).map((name) => `${kind} ${name} is not used`),
  ]
}

/** Listeners that nobody outside their container reaches: without an address it is localhost. */
function deaf(path: string, value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null)
    return /\.(grpc|http|thrift_http)$/.test(path) ? [`${path} listens to localhost`] : []
  const { endpoint } = value as { endpoint?: unknown }
  if (typeof endpoint === 'string')
    return endpoint.startsWith('0.0.0.0:') ? [] : [`${path} listens to ${endpoint}`]
  return Object.entries(value).flatMap(([key, inner]) => deaf(`${path}.${key}`, inner))
}
