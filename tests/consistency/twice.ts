import { isDeepStrictEqual } from 'node:util'
import { COMPOSE_FILES, rawCompose } from './compose.ts'
import type { Files } from './files.ts'

type Section = Readonly<Record<string, unknown>>

/**
 * What stands in two compose files has to be the same in both: a service because either file runs
 * alone, a network, a volume and a secret because compose merges them, an `x-` block because it is one
 * decision written four times.
 */
export function twiceFindings(files: Files): string[] {
  const whole = COMPOSE_FILES.map((path) => ({ path, content: rawCompose(files, path) }))
  const blocks = (content: Section): Section =>
    Object.fromEntries(Object.entries(content).filter(([name]) => name.startsWith('x-')))
  const sections: ((content: Section) => Section)[] = [
    blocks,
    ...['services', 'networks', 'volumes', 'secrets'].map(
      (name) => (content: Section) => (content[name] ?? {}) as Section,
    ),
  ]
  return sections.flatMap((section) =>
    differences(whole.map(({ path, content }) => ({ path, entries: section(content) }))),
  )
}

function differences(places: readonly { path: string; entries: Section }[]): string[] {
  const first = new Map<string, { path: string; value: unknown }>()
  const findings: string[] = []
  for (const { path, entries } of places)
    for (const [name, value] of Object.entries(entries)) {
      const before = first.get(name)
      if (before === undefined) first.set(name, { path, value })
      else if (!isDeepStrictEqual(before.value, value))
        findings.push(
          `${name} differs between ${before.path} and ${path}: ${unequal(before.value, value)}`,
        )
    }
  return findings
}

/** The keys at which two mappings differ. */
function unequal(one: unknown, other: unknown): string {
  const [a, b] = [one ?? {}, other ?? {}] as [Section, Section]
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])]
  return keys.filter((key) => !isDeepStrictEqual(a[key], b[key])).join(', ')
}
