import { parse } from 'yaml'
import { z } from 'zod'
import { type ComposeService, composeServices, mountsOf, startWords } from './compose.ts'
import { environmentOf, variablesOf } from './environment.ts'
import type { Files } from './files.ts'

const KINDS = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const

const Pipelines = z.looseObject({
  service: z
    .object({
      pipelines: z.record(z.string(), z.record(z.string(), z.array(z.string()))).default({}),
    })
    .default({ pipelines: {} }),
})
type Layer = z.output<typeof Pipelines>

/** The stand-ins are built of chosen parts; what is not among them ends their start. */
const BUILT = [
  {
    file: 'config/otel/otel-collector-config.yaml',
    manifest: 'docker/standin/otelcol/collector.yaml',
    version: 'COLLECTOR',
  },
  {
    file: 'docker/standin/log-shipper/otelcol-logs.yaml',
    manifest: 'docker/standin/otelcol/logs.yaml',
    version: 'COLLECTOR_LOGS',
  },
]

/** Parts whose module has another name than the part. */
const MODULES: Readonly<Record<string, string>> = {
  otlp_grpcexporter: 'otlpexporter',
  otlp_httpexporter: 'otlphttpexporter',
}

/** No collector loses a part to a second file, and the stand-ins have every part that is used. */
export function collectorFindings(files: Files): string[] {
  const services = composeServices(files, environmentOf(files))
  return [
    ...services.flatMap((service) => lostInLayers(files, service)),
    ...BUILT.flatMap((built) => unbuilt(files, built)),
  ]
}

/** With two `--config` maps are merged, and a list of the second file replaces that of the first. */
function lostInLayers(files: Files, service: ComposeService): string[] {
  const layers = configurationsOf(service).map((path) => ({
    path,
    layer: Pipelines.parse(parse(files.read(path))),
  }))
  const merged = layers.reduce<unknown>((whole, { layer }) => merge(whole, layer), {}) as Layer
  return layers.flatMap(({ path, layer }) =>
    Object.entries(layer.service.pipelines).flatMap(([name, parts]) =>
      Object.entries(parts).flatMap(([kind, wanted]) =>
        wanted
          .filter((part) => merged.service.pipelines[name]?.[kind]?.includes(part) !== true)
          .map((part) => `${service.name}: ${name} of ${path} loses ${part} to a later file`),
      ),
    ),
  )
}

/** The files of this repository that `--config` names. */
function configurationsOf(service: ComposeService): string[] {
  return startWords(service).flatMap((word) => {
    const path = /^--config=(?<path>.*)$/.exec(word)?.groups?.['path']
    const mount = mountsOf(service).find(({ target }) => path?.startsWith(`${target}/`))
    if (path === undefined || mount?.source === undefined) return []
    return mount.source.slice(2) + path.slice(mount.target.length)
  })
}

function merge(one: unknown, other: unknown): unknown {
  if (!isMap(one) || !isMap(other)) return other
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  return Object.fromEntries(
    keys.map((key) => [key, key in other ? merge(one[key], other[key]) : one[key]]),
  )
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unbuilt(files: Files, { file, manifest, version }: (typeof BUILT)[number]): string[] {
  const parts = parse(files.read(file)) as Record<string, Record<string, unknown> | undefined>
  const recipe = files.read(manifest)
  const built = /\bversion: (?<version>[\d.]+)/.exec(recipe)?.groups?.['version']
  const wanted = variablesOf(files, 'docker/standin/versions.env')[version]
  return [
    ...(built === wanted ? [] : [`${manifest} builds ${built}, and versions.env says ${wanted}`]),
    ...KINDS.flatMap((kind) =>
      Object.keys(parts[kind] ?? {})
        .filter((part) => !recipe.includes(`/${moduleOf(part, kind)} v`))
        .map((part) => `${manifest} has no ${moduleOf(part, kind)}, which ${file} uses`),
    ),
  ]
}

/** `otlpexporter` of the exporter `otlp_grpc/jaeger`. */
function moduleOf(part: string, kind: string): string {
  const named = part.replace(/\/.*/, '') + kind.slice(0, -1)
  return MODULES[named] ?? named.replaceAll('_', '')
}
