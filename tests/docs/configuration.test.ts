import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const services = ['feature-server', 'materializer', 'inference-gateway', 'all-in-one']
const page = read('docs/configuration.md')

/** The variables in a section's table, and those of every service. */
function documented(service: string): string[] {
  const sections = page.split(/^## /m)
  const of = (title: string) => sections.find((section) => section.startsWith(title)) ?? ''
  const rows = `${of('Every service')}\n${of(service)}`.matchAll(/^\| `(?<name>[A-Z_]+)`/gm)
  return [...rows].map(({ groups }) => groups?.['name'] ?? '')
}

function inCode(service: string): string[] {
  const source = read(`services/${service}/src/config.ts`)
  return [...source.matchAll(/^ {2}(?<name>[A-Z_]+): /gm)].map(
    ({ groups }) => groups?.['name'] ?? '',
  )
}

test.for(services)('docs/configuration.md lists the variables of %s', (service) => {
  // All-in-one has a port for each service, and makes the keys itself.
  const elsewhere = service === 'all-in-one' ? ['PORT', 'API_KEYS'] : []
  expect(documented(service).sort()).toEqual([...inCode(service), ...elsewhere].sort())
})
