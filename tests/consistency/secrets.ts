import { COMPOSE_FILES, type ComposeService, composeServices, readCompose } from './compose.ts'
import { environmentOf } from './environment.ts'
import { textsOf } from './evidence.ts'
import type { Files } from './files.ts'

/** Secrets that no container mounts, and who needs them. */
export const FOR_PEOPLE: Readonly<Record<string, string>> = {
  reader_key: 'people read the console and the services with it',
  writer_key: 'people send bars and ask for decisions with it',
  operator_key: 'people tell the broker with it what to do',
  'tls/ca.key': 'prepare.sh signs certificates with it',
}

const EXPLAINED = 'docs/stack.md'

/**
 * Every secret is made, explained, mounted where it is used and used where it is mounted.
 * @param made the files that `prepare.sh` makes in secrets/
 */
export function secretFindings(files: Files, made: readonly string[]): string[] {
  const services = composeServices(files, environmentOf(files))
  const paths = new Map(COMPOSE_FILES.flatMap((path) => [...pathsOf(files, path)]))
  const mounted = new Set(
    services.flatMap(({ secrets }) => secrets.map((name) => paths.get(name) ?? name)),
  )
  return [
    ...COMPOSE_FILES.flatMap((path) => declared(files, path, made)),
    ...services.flatMap((service) => usesOf(files, service)),
    ...made
      .filter((name) => !mounted.has(name) && !(name in FOR_PEOPLE))
      .map((name) => `prepare.sh makes ${name}, and nothing mounts it`),
    ...[...new Set(made.map(anyName))]
      .filter((name) => !files.read(EXPLAINED).includes(`\`${name}\``))
      .map((name) => `${EXPLAINED} does not say what ${name} is for`),
    ...Object.keys(FOR_PEOPLE)
      .filter((name) => mounted.has(name) || !made.includes(name))
      .map((name) => `${name} is excepted, and needs no exception`),
  ]
}

/** Certificates are explained together. */
function anyName(path: string): string {
  return path.replace(/^tls\/(?!ca\.)[\w-]+\./, 'tls/NAME.')
}

/** By the name that containers know it by, the path in secrets/. */
function pathsOf(files: Files, path: string): Map<string, string> {
  const { secrets } = readCompose(files, path)
  return new Map(
    Object.entries(secrets).map(([name, { file }]) => [name, file.replace('./secrets/', '')]),
  )
}

function declared(files: Files, path: string, made: readonly string[]): string[] {
  const { secrets, services } = readCompose(files, path)
  const mounted = new Set(Object.values(services).flatMap((service) => service.secrets))
  // docker-compose 1.29 notices that at `up`.
  const undeclared = [...mounted].filter((name) => !(name in secrets))
  const faults = Object.entries(secrets).flatMap(([name, { file }]) => [
    ...(file === `./secrets/${name}` || file === `./secrets/tls/${name}`
      ? []
      : [`${path} takes the secret ${name} from ${file}`]),
    ...(made.includes(file.replace('./secrets/', ''))
      ? []
      : [`${path} has the secret ${name}, which prepare.sh does not make`]),
    ...(mounted.has(name)
      ? []
      : [`${path} has the secret ${name}, which none of its services mounts`]),
  ])
  return [
    ...faults,
    ...undeclared.map((name) => `${path} does not have the secret ${name}, which a service mounts`),
  ]
}

function usesOf(files: Files, service: ComposeService): string[] {
  const mentions = textsOf(files, service).flatMap(({ from, text }) =>
    [...text.matchAll(/\/run\/secrets\/(?<name>[\w.-]*\w)/g)].map(({ groups }) => ({
      from,
      name: groups?.['name'] ?? '',
    })),
  )
  const elsewhere = Object.entries(service.environment).filter(
    ([name, value]) => name.endsWith('_FILE') && !value.startsWith('/run/secrets/'),
  )
  return [
    ...elsewhere.map(([name]) => `${name} of ${service.name} does not name a secret`),
    ...mentions
      .filter(({ name }) => !service.secrets.includes(name))
      .map(
        ({ from, name }) =>
          `${from} reads the secret ${name}, which ${service.name} does not mount`,
      ),
    ...service.secrets
      .filter((secret) => !mentions.some(({ name }) => name === secret))
      .map((secret) => `${service.name} mounts the secret ${secret} and does not use it`),
  ]
}
