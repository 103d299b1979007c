import { type ComposeService, composeServices, isOurs, repositoryOf } from './compose.ts'
import { environmentOf } from './environment.ts'
import { type Files, has } from './files.ts'

/**
 * What a health check may run in each image. Half of the usual probes cannot work: a program that is
 * not in the image never succeeds, and whoever waits for that health waits for ever. By the public
 * image's repository, without the registry; what is known of each stands in its makers' documentation.
 */
export const PROBES: Readonly<Record<string, readonly string[]>> = {
  'usdcop/feature-server': ['node'],
  'usdcop/materializer': ['node'],
  'usdcop/inference-gateway': ['node'],
  'usdcop/secrets-broker': ['node'],
  // Alpine, with BusyBox.
  redis: ['sh', 'grep', 'redis-cli'],
  'timescale/timescaledb': ['sh', 'pg_isready'],
  postgres: ['sh', 'pg_isready'],
  'hashicorp/vault': ['sh', 'test', 'vault'],
  'jaegertracing/jaeger': ['sh', 'wget'],
  // BusyBox.
  'prom/prometheus': ['sh', 'wget'],
  'prom/alertmanager': ['sh', 'wget'],
  'grafana/grafana': ['sh', 'wget', 'curl'],
  // No shell and no wget since 3.6: grafana/loki#20149.
  'grafana/loki': ['/usr/bin/loki'],
  // Ubuntu, and neither curl nor wget is promised.
  'grafana/alloy': ['sh', 'bash'],
  // No shell: open-telemetry/opentelemetry-collector-releases#1145.
  'otel/opentelemetry-collector-contrib': [],
  'mlflow/mlflow': ['sh', 'python'],
}

/** Services that nobody can ask, and why. */
export const WITHOUT_HEALTH_CHECK: Readonly<Record<string, string>> = {
  'otel-collector': 'its image has no program that could ask; Prometheus scrapes it',
  'demo-feed': 'it serves nothing; it ends when there is nothing left to send',
}

export function healthCheckFindings(files: Files): string[] {
  const services = composeServices(files, environmentOf(files))
  return [
    ...services.flatMap(probeFindings),
    ...services.filter(isOurs).flatMap((service) => missingScripts(files, service)),
    ...services.flatMap((service) => waits(service, services)),
  ]
}

function probeFindings(service: ComposeService): string[] {
  const { name, healthcheck } = service
  const image = repositoryOf(service)
  const allowed = PROBES[image]
  if (allowed === undefined) return [`${name}: nobody has said what ${image} can run`]
  if (healthcheck === undefined)
    return name in WITHOUT_HEALTH_CHECK ? [] : [`${name} has no health check`]
  if (name in WITHOUT_HEALTH_CHECK)
    return [`${name} has a health check: ${WITHOUT_HEALTH_CHECK[name]}`]
  return programsOf(healthcheck.test)
    .filter((program) => !allowed.includes(program))
    .map((program) => `${name}: ${image} has no ${program} for the health check`)
}

/** A script that our image's health check runs is copied to that place. */
function missingScripts(files: Files, { name, healthcheck }: ComposeService): string[] {
  const recipe = files.read('docker/Dockerfile')
  const ignored = files.read('.dockerignore')
  const scripts = (healthcheck?.test ?? []).filter((word) => word.startsWith('/app/'))
  return scripts.flatMap((script) => {
    const source = script.slice('/app/'.length)
    return has(files, source) &&
      ignored.includes(`!${source}\n`) &&
      recipe.includes(`\nCOPY ${source} ${script}\n`)
      ? []
      : `${name} has no ${script} for its health check`
  })
}

/** Who waits for another's health needs one that can come true. */
function waits(
  { name, depends_on }: ComposeService,
  services: readonly ComposeService[],
): string[] {
  return Object.entries(depends_on).flatMap(([other, { condition }]) => {
    const awaited = services.find((service) => service.name === other)
    if (awaited === undefined) return `${name} waits for ${other}, which is no compose service`
    if (condition === 'service_healthy' && awaited.healthcheck === undefined)
      return `${name} waits for the health of ${other}, which has no health check`
    if (condition !== 'service_healthy' && condition !== 'service_started')
      return `${name} waits for ${other} to be ${condition}, and nothing here ends well`
    return []
  })
}

/** The programs that a health check runs, also those of a shell line. */
function programsOf([kind, ...words]: readonly string[]): string[] {
  if (kind === 'CMD') return words.slice(0, 1)
  const commands = words.join(' ').split(/\|\|?|&&|;|\$\(|\n/)
  const programs = commands.flatMap((command) => {
    const [program] = command
      .trim()
      .split(/\s+/)
      .filter((word) => !/^[A-Za-z_]\w*=/.test(word))
    return program === undefined || /^["')]/.test(program) ? [] : program
  })
  return ['sh', ...programs]
}
