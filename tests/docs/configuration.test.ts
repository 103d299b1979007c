import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const services = [
  'feature-server',
  'materializer',
  'inference-gateway',
  'all-in-one',
  'secrets-broker',
]
/** The broker has no market, and keeps nothing on disk. */
const unread = (service: string): readonly string[] =>
  service === 'secrets-broker' ? ['CONTRACT_FILE', 'DATA_DIR'] : []
const page = read('docs/configuration.md')

const configOf = (service: string): string => read(`services/${service}/src/config.ts`)

/** Variables that several services share: how their code is named, where it is, and the section. */
const shared = [
  { schema: 'clockSchema', file: 'packages/service/src/clock-config.ts', section: 'Market clock' },
  { schema: 'serviceVaultSchema', file: 'packages/vault/src/vault-config.ts', section: 'Vault' },
  { schema: 'vaultSchema', file: 'packages/vault/src/vault-config.ts', section: 'Vault' },
]
const sharedBy = (service: string) =>
  shared.filter(({ schema }) => configOf(service).includes(schema))

/** The variables in the tables of some sections. */
function tabled(...titles: readonly string[]): string[] {
  const sections = page.split(/^## /m)
  const of = (title: string) => sections.find((section) => section.startsWith(title)) ?? ''
  const rows = titles
    .map(of)
    .join('\n')
    .matchAll(/^\| `(?<name>[A-Z_]+)`/gm)
  return [...rows].map(({ groups }) => groups?.['name'] ?? '')
}

/** The variables in a service's tables, and those of every service. */
function documented(service: string): string[] {
  const sections = ['Every service', ...sharedBy(service).map(({ section }) => section), service]
  return tabled(...sections).filter((name) => !unread(service).includes(name))
}

function inCode(service: string): string[] {
  const sources = [configOf(service), ...sharedBy(service).map(({ file }) => read(file))]
  return sources.flatMap((source) =>
    [...source.matchAll(/^ {2}(?<name>[A-Z_]+): /gm)].map(({ groups }) => groups?.['name'] ?? ''),
  )
}

test.for(services)('docs/configuration.md lists the variables of %s', (service) => {
  // All-in-one has a port for each service, and makes the keys itself.
  const elsewhere = service === 'all-in-one' ? ['PORT', 'API_KEYS'] : []
  expect(documented(service).sort()).toEqual([...inCode(service), ...elsewhere].sort())
})

test('docs/configuration.md names the variables that may be given as a file', () => {
  const inServices = services.flatMap((service) => {
    const [, list = ''] = /secrets: \[(?<names>[^\]]*)\]/.exec(configOf(service)) ?? []
    return [...list.matchAll(/[A-Z_]+/g)].map(([name]) => name)
  })
  const [, sentence = ''] = /Secrets may be given as files: where (.*?) is read/s.exec(page) ?? []
  const named = [...sentence.matchAll(/[A-Z_]{2,}/g)].map(([name]) => name)
  expect(named.sort()).toEqual([...new Set(inServices)].sort())
})

test('docs/configuration.md lists what a service that uses Vault reads', () => {
  const source = read('packages/vault/src/vault-config.ts')
  const ours = [...source.matchAll(/^ {2}(?<name>[A-Z_]+): /gm)].map(
    ({ groups }) => groups?.['name'] ?? '',
  )
  expect(tabled('Vault').sort()).toEqual(ours.sort())
})

/** Of OpenTelemetry, by the package that reads them. */
const readByTheSdk = {
  'sdk-node/dist/create-from-env.mjs': [
    'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
    'OTEL_BSP_MAX_QUEUE_SIZE',
    'OTEL_BSP_SCHEDULE_DELAY',
    'OTEL_PROPAGATORS',
    'OTEL_TRACES_SAMPLER',
    'OTEL_TRACES_SAMPLER_ARG',
  ],
  'sdk-node/dist/sdk.mjs': ['OTEL_LOG_LEVEL'],
  'resources/dist/detectors/ResourceAttributesEnvDetector.mjs': ['OTEL_RESOURCE_ATTRIBUTES'],
}

test('docs/configuration.md lists what the start-up file and the SDK read for tracing', () => {
  const settings = read('packages/tracing/src/settings.ts')
  const ours = [...settings.matchAll(/env\['(?<name>\w+)'\]/g)].map(
    ({ groups }) => groups?.['name'] ?? '',
  )
  const theirs = Object.entries(readByTheSdk).flatMap(([file, names]) => {
    const source = read(`packages/tracing/node_modules/@opentelemetry/${file}`)
    for (const name of names) expect(source).toContain(`"${name}"`)
    return names
  })
  expect(tabled('Tracing').sort()).toEqual([...new Set(ours), ...theirs].sort())
})
