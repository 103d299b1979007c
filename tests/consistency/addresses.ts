import { parse } from 'yaml'
import { type ComposeService, composeServices } from './compose.ts'
import { environmentOf, PROFILES } from './environment.ts'
import { type Text, textsOf } from './evidence.ts'
import type { Files } from './files.ts'
import { innerPorts, listeningPorts } from './listening.ts'

/** Stands in for Alloy's own configuration, so it is one more text of that service. */
const SUBSTITUTE_SHIPPER = 'docker/standin/log-shipper/otelcol-logs.yaml'
const PROMETHEUS = 'config/prometheus/prometheus.yml'
const PREPARE = 'scripts/stack/prepare.sh'

/** Hosts of URLs that are no compose service, and what they are. */
const OTHER_HOSTS: Readonly<Record<string, string>> = {
  '0.0.0.0': 'every address of the container',
  '127.0.0.1': 'the container itself',
  localhost: 'the container itself',
}

interface Reference {
  readonly from: string
  readonly host: string
  readonly port: number | undefined
}

/** Whoever is asked for something exists, listens on that port, and shares a network with who asks. */
export function addressFindings(files: Files): string[] {
  const found = PROFILES.flatMap((profile) => {
    const services = composeServices(files, environmentOf(files, profile))
    return services.flatMap((service) =>
      referencesOf(files, service, services).flatMap((reference) =>
        judge(files, service, reference, services),
      ),
    )
  })
  return [...new Set(found)]
}

function judge(
  files: Files,
  asking: ComposeService,
  { from, host, port }: Reference,
  services: readonly ComposeService[],
): string[] {
  const itself = host in OTHER_HOSTS
  const asked = itself ? asking : services.find((service) => namesOf(service).includes(host))
  if (asked === undefined) return [`${from} asks ${host}, which is no compose service`]
  const ports = itself ? innerPorts(files, asked) : listeningPorts(files, asked)
  const listening = ports.join(', ') || 'nothing'
  return [
    ...(port === undefined || ports.includes(port)
      ? []
      : [`${from} asks ${host}:${port}, and ${asked.name} listens on ${listening}`]),
    ...(itself || shareNetwork(asking, asked)
      ? []
      : [`${from} asks ${host}, and ${asking.name} shares no network with it`]),
  ]
}

/** The names under which others reach a service. */
function namesOf({ name, networks }: ComposeService): string[] {
  return [name, ...networks.flatMap(({ aliases }) => aliases)]
}

function shareNetwork(one: ComposeService, other: ComposeService): boolean {
  const names = other.networks.map(({ name }) => name)
  return one.networks.some(({ name }) => names.includes(name))
}

function referencesOf(
  files: Files,
  service: ComposeService,
  services: readonly ComposeService[],
): Reference[] {
  const known = services.flatMap(namesOf)
  return [
    ...[...textsOf(files, service), ...otherTexts(files, service)].flatMap((text) =>
      inText(text, known),
    ),
    ...(service.name === 'prometheus' ? lookedUp(parse(files.read(PROMETHEUS))) : []),
  ]
}

function otherTexts(files: Files, { name, secrets }: ComposeService): Text[] {
  const urls = [...files.read(PREPARE).matchAll(/stage (?<secret>\w+) "(?<url>[^"]*@[^"]+)"/g)]
  return [
    ...urls
      .filter(({ groups }) => secrets.includes(groups?.['secret'] ?? ''))
      .map(({ groups }) => ({
        from: `the secret ${groups?.['secret']} of ${name}`,
        // As a URL of the kind that `inText` reads.
        text: groups?.['url']?.replace(/:\/\/.*@/, '://') ?? '',
      })),
    ...(name === 'alloy'
      ? [{ from: SUBSTITUTE_SHIPPER, text: files.read(SUBSTITUTE_SHIPPER) }]
      : []),
  ]
}

/** `http://loki:3100` and `loki:3100`; a name alone that is no service's is somebody's prose. */
function inText({ from, text }: Text, known: readonly string[]): Reference[] {
  const code = text.replaceAll(/^\s*(#|\/\/).*$/gm, '')
  const addresses = code.matchAll(/(?<![\w./-])(?<host>[a-z][a-z\d-]*):(?<port>\d{2,5})\b/g)
  const urls = code.matchAll(/\b[a-z][a-z\d+]*:\/\/(?<host>[a-z\d][\w.-]*)(?::(?<port>\d+))?/g)
  const reference = ({ groups }: RegExpMatchArray): Reference => {
    const { host = '', port } = groups ?? {}
    return { from, host, port: port === undefined ? undefined : Number(port) }
  }
  return [
    ...[...addresses].map(reference).filter(({ host }) => known.includes(host)),
    ...[...urls].map(reference),
  ]
}

/** What Prometheus looks up in DNS, wherever that stands in its file. */
function lookedUp(value: unknown): Reference[] {
  if (typeof value !== 'object' || value === null) return []
  const { names, port } = value as { names?: unknown; port?: unknown }
  if (Array.isArray(names) && typeof port === 'number')
    return names.map((host) => ({ from: PROMETHEUS, host: String(host), port }))
  return Object.values(value).flatMap(lookedUp)
}
