import { type ComposeService, composeServices, isOurs } from './compose.ts'
import { environmentOf } from './environment.ts'
import { below, type Files } from './files.ts'

/**
 * The name of each of our servers in traces, metrics, its own log lines and the image, by its name in
 * compose. The feature server is called as the seed calls it in compose, and so in Loki, which takes
 * the name from there; everywhere else it has its own name, and answers to it in the network too.
 */
export const SERVERS: Readonly<Record<string, string>> = {
  'feast-server': 'feature-server',
  materializer: 'materializer',
  'inference-gateway': 'inference-gateway',
  'secrets-broker': 'secrets-broker',
}

const SAMPLING = 'config/jaeger/sampling.json'

/** A service has one name in traces, metrics, logs and images, so that one leads to the other. */
export function nameFindings(files: Files): string[] {
  const services = composeServices(files, environmentOf(files)).filter(isOurs)
  const servers = services.filter(({ environment }) => 'PORT' in environment)
  return [
    ...different(
      'compose',
      Object.keys(SERVERS),
      servers.map(({ name }) => name),
    ),
    ...servers.flatMap((server) => called(files, server)),
    ...different(SAMPLING, Object.values(SERVERS), sampled(files)),
    ...shippers(files),
    ...queries(files, services),
  ]
}

function called(
  files: Files,
  { name, build, environment, image, networks }: ComposeService,
): string[] {
  const wanted = SERVERS[name] ?? name
  const main = files.read(`services/${wanted}/src/main.ts`)
  const aliases = networks.flatMap((network) => network.aliases)
  const rules: readonly (readonly [string, string | undefined])[] = [
    ['OTEL_SERVICE_NAME', environment['OTEL_SERVICE_NAME']],
    ['the recipe', build?.args['SERVICE']],
    ['the image', /^usdcop\/(?<name>[^:]+)/.exec(image)?.groups?.['name']],
    ['the logger', /createLogger\(\{\s*name: '(?<name>[^']+)'/.exec(main)?.groups?.['name']],
    ['the metrics registry', registryName(files, wanted)],
    ['the network', aliases[0] ?? name],
  ]
  return rules
    .filter(([, found]) => found !== wanted)
    .map(([where, found]) => `${name} is called ${found} by ${where}, and ${wanted} elsewhere`)
}

/** As `main.ts` or the file that it calls gives it, itself or by a constant. */
function registryName(files: Files, service: string): string | undefined {
  const sources = ['main', 'serve', 'callers']
    .map((name) => `services/${service}/src/${name}.ts`)
    .filter((path) => files.paths.includes(path))
    .map((path) => files.read(path))
  const given = sources
    .map((text) => /createRegistry\((?<name>'[^']+'|[A-Z]+)\)/.exec(text)?.groups?.['name'])
    .find((name) => name !== undefined)
  if (given === undefined || given.startsWith("'")) return given?.slice(1, -1)
  const constant = new RegExp(`const ${given} = '(?<name>[^']+)'`)
  return sources.map((text) => constant.exec(text)?.groups?.['name']).find(Boolean)
}

function sampled(files: Files): string[] {
  const { service_strategies: all } = JSON.parse(files.read(SAMPLING)) as {
    service_strategies: { service: string }[]
  }
  return all.map(({ service }) => service)
}

/** Both shippers label a line with the name that compose has for the service. */
function shippers(files: Files): string[] {
  const rules: readonly (readonly [string, RegExp])[] = [
    ['config/alloy/config.alloy', /service += `attrs\."com\.docker\.compose\.service"`/],
    [
      'docker/standin/log-shipper/otelcol-logs.yaml',
      /from: attributes\.attrs\["com\.docker\.compose\.service"\]\s+to: resource\.service\b/,
    ],
  ]
  return rules
    .filter(([path, rule]) => !rule.test(files.read(path)))
    .map(([path]) => `${path} does not name a stream for the compose service`)
}

/** Rules and dashboards that ask by name ask for a name that somebody has. */
function queries(files: Files, services: readonly ComposeService[]): string[] {
  const jobs = [
    ...files.read('config/prometheus/prometheus.yml').matchAll(/job_name: (?<job>\S+)/g),
  ]
  const known: Readonly<Record<string, readonly string[]>> = {
    job: jobs.map(({ groups }) => groups?.['job'] ?? ''),
    service: [...Object.values(SERVERS), ...services.map(({ name }) => name)],
    service_name: Object.values(SERVERS),
  }
  const asking = [...below(files, 'config/grafana'), ...below(files, 'config/prometheus')]
  return asking.flatMap((path) =>
    [
      ...files
        .read(path)
        .matchAll(/\b(?<label>job|service|service_name)=~?\\?"(?<value>[\w|-]+)\\?"/g),
    ].flatMap(({ groups }) => {
      const { label = '', value = '' } = groups ?? {}
      return value
        .split('|')
        .filter((name) => known[label]?.includes(name) !== true)
        .map((name) => `${path} asks for ${label}="${name}", and nobody is called so`)
    }),
  )
}

function different(where: string, wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...wanted.filter((name) => !found.includes(name)).map((name) => `${where} lacks ${name}`),
    ...found
      .filter((name) => !wanted.includes(name))
      .map((name) => `${where} has ${name}, which is no server of ours`),
  ]
}
