import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const services = ['feature-server', 'materializer', 'inference-gateway', 'all-in-one']
const page = read('docs/configuration.md')

const configOf = (service: string): string => read(`services/${service}/src/config.ts`)

/** Variables that several services share: how their code is named, where it is, and the section. */
const shared = [
  { schema: 'clockSchema', file: 'packages/service/src/clock-config.ts', section: 'Market clock' },
]
const sharedBy = (service: string) =>
  shared.filter(({ schema }) => configOf(service).includes(schema))

/** The variables in a service's tables, and those of every service. */
function documented(service: string): string[] {
  const sections = page.split(/^## /m)
  const of = (title: string) => sections.find((section) => section.startsWith(title)) ?? ''
  const titles = ['Every service', ...sharedBy(service).map(({ section }) => section), service]
  const rows = titles
    .map(of)
    .join('\n')
    .matchAll(/^\| `(?<name>[A-Z_]+)`/gm)
  return [...rows].map(({ groups }) => groups?.['name'] ?? '')
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
