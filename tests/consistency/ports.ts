import { type ComposeService, composeServices } from './compose.ts'
import { environmentOf, PROFILES } from './environment.ts'
import type { Files } from './files.ts'
import { listeningPorts } from './listening.ts'

/** What the documents call a service where they give its address. */
const TITLES: Readonly<Record<string, string>> = {
  Alertmanager: 'alertmanager',
  'Feast server': 'feast-server',
  Grafana: 'grafana',
  Jaeger: 'jaeger',
  Loki: 'loki',
  MLflow: 'mlflow',
  Prometheus: 'prometheus',
  Vault: 'vault',
  console: 'inference-gateway',
  materializer: 'materializer',
}

/** Documents whose tables have to name every address. */
const WHOLE_TABLES = ['README.md', 'docs/seed.md']

/**
 * One table of host ports: what compose publishes, what the stack tests ask, what the documents say.
 * @param expected host port by compose service
 */
export function portFindings(files: Files, expected: Readonly<Record<string, number>>): string[] {
  const found = PROFILES.flatMap((profile) => {
    const services = composeServices(files, environmentOf(files, profile))
    return [
      ...services.flatMap((service) => published(files, service)),
      ...table(services, expected),
    ]
  })
  return [...new Set([...found, ...documented(files, expected)])]
}

function published(files: Files, service: ComposeService): string[] {
  const { name, ports } = service
  return ports.flatMap((port) => {
    const { inner } = parts(port)
    if (inner === undefined) return `${name} publishes ${port}, and not on 127.0.0.1 alone`
    const listening = listeningPorts(files, service)
    return listening.includes(inner)
      ? []
      : `${name} publishes ${inner}, and listens on ${listening.join(', ') || 'nothing'}`
  })
}

function table(
  services: readonly ComposeService[],
  expected: Readonly<Record<string, number>>,
): string[] {
  const names = new Set([...services.map(({ name }) => name), ...Object.keys(expected)])
  return [...names].flatMap((name) => {
    const ports = services.find((service) => service.name === name)?.ports ?? []
    const outer = ports.map((port) => parts(port).outer).join(', ')
    const wanted = expected[name]?.toString() ?? ''
    return outer === wanted
      ? []
      : `${name} is published on ${outer || 'nothing'}, and asked on ${wanted || 'nothing'}`
  })
}

function parts(port: string): { outer: number | undefined; inner: number | undefined } {
  const { outer, inner } = /^127\.0\.0\.1:(?<outer>\d+):(?<inner>\d+)$/.exec(port)?.groups ?? {}
  return {
    outer: outer === undefined ? undefined : Number(outer),
    inner: inner === undefined ? undefined : Number(inner),
  }
}

function documented(files: Files, expected: Readonly<Record<string, number>>): string[] {
  const known = Object.values(expected)
  const pages = files.paths.filter((path) => /^(docs\/.*|[A-Z]+)\.md$/.test(path))
  return pages.flatMap((path) => {
    const text = files.read(path)
    const all = addressesIn(text)
    const unknown = all.filter((port) => !known.includes(port))
    const missing = WHOLE_TABLES.includes(path) ? known.filter((port) => !all.includes(port)) : []
    return [
      ...unknown.map((port) => `${path} gives localhost:${port}, and nothing is published there`),
      ...missing.map((port) => `${path} does not give localhost:${port}`),
      ...text.split('\n').flatMap((line) => misnamed(path, line, expected)),
    ]
  })
}

/** `| Grafana http://localhost:3003 |`: as many names as addresses belong together in their order. */
function misnamed(
  path: string,
  line: string,
  expected: Readonly<Record<string, number>>,
): string[] {
  const titles = Object.keys(TITLES)
    .filter((title) => new RegExp(`\\b${title}\\b`).test(line))
    .sort((a, b) => line.indexOf(a) - line.indexOf(b))
  const addresses = addressesIn(line)
  if (!line.startsWith('|') || titles.length !== addresses.length) return []
  return titles.flatMap((title, index) => {
    const wanted = expected[TITLES[title] ?? '']
    return addresses[index] === wanted
      ? []
      : `${path} gives ${title} at localhost:${addresses[index]}, and it is at ${wanted}`
  })
}

function addressesIn(text: string): number[] {
  return [...text.matchAll(/\b(?:localhost|127\.0\.0\.1):(?<port>\d+)/g)].map(({ groups }) =>
    Number(groups?.['port']),
  )
}
