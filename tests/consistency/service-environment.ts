import { type ComposeService, composeServices, isOurs, startWords } from './compose.ts'
import { environmentOf } from './environment.ts'
import type { Files } from './files.ts'

/** Variables that Node and the OpenTelemetry SDK read by themselves. */
const READ_BY_LIBRARIES = [
  'NODE_ENV',
  'NODE_OPTIONS',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_SERVICE_NAME',
  'OTEL_TRACES_SAMPLER',
  'OTEL_TRACES_SAMPLER_ARG',
]

/** A variable with a slip of the finger in it is no error anywhere: the default holds. */
export function serviceEnvironmentFindings(files: Files): string[] {
  const image = [...files.read('docker/Dockerfile').matchAll(/^ENV (?<pairs>.*)$/gm)]
    .flatMap(({ groups }) => groups?.['pairs']?.split(' ') ?? [])
    .map((pair) => pair.replace(/=.*/, ''))
  const ours = composeServices(files, environmentOf(files)).filter(isOurs)
  // One recipe for all: what it gives has to be read by one of them.
  const readByAny = new Set(ours.flatMap((service) => [...readBy(service, files)]))
  return ours.flatMap((service) => {
    const known = readBy(service, files)
    const own = Object.keys(service.environment).filter((name) => !known.has(name))
    const given = runsMain(service) ? image.filter((name) => !readByAny.has(name)) : []
    return [...own, ...given].map(
      (name) => `${service.name} is given ${name}, which it does not read`,
    )
  })
}

function readBy(service: ComposeService, files: Files): Set<string> {
  const clock = keysOf(files.read('packages/service/src/clock-config.ts'))
  const vault = keysOf(files.read('packages/vault/src/vault-config.ts'))
  if (!runsMain(service)) return new Set(['NODE_ENV', 'NODE_OPTIONS', ...clock, ...vault])
  const folder = `services/${service.build?.args['SERVICE']}`
  return new Set([
    ...READ_BY_LIBRARIES,
    ...clock,
    ...configVariables(files.read(`${folder}/src/config.ts`)),
    ...vault,
    ...environmentReads(files.read('packages/tracing/src/settings.ts')),
  ])
}

/** All but the feed run the service that their image is built for; it is `usdcop`, which traces nothing. */
function runsMain(service: ComposeService): boolean {
  return startWords(service).length === 0
}

function configVariables(source: string): string[] {
  const secrets = /secrets: \[(?<names>[^\]]*)\]/.exec(source)?.groups?.['names'] ?? ''
  const files = [...secrets.matchAll(/'(?<name>\w+)'/g)].map(
    ({ groups }) => `${groups?.['name']}_FILE`,
  )
  return [...keysOf(source), ...files]
}

/** `  NAME: z.string(),` of a schema. */
function keysOf(source: string): string[] {
  return [...source.matchAll(/^ {2}(?<name>[A-Z_]+): /gm)].map(
    ({ groups }) => groups?.['name'] ?? '',
  )
}

/** `env['NAME']`. */
function environmentReads(source: string): string[] {
  return [...source.matchAll(/env\['(?<name>[A-Z_]+)'\]/g)].map(
    ({ groups }) => groups?.['name'] ?? '',
  )
}
