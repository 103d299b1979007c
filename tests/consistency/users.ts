import { composeServices } from './compose.ts'
import { environmentOf } from './environment.ts'
import type { Files } from './files.ts'

const TABLE = 'tests/consistency/README.md'

/** Who runs as whom is written down, once for each service. */
export function userFindings(files: Files): string[] {
  const services = composeServices(files, environmentOf(files))
  const written = usersIn(files.read(TABLE))
  return [
    ...services.flatMap(({ name, user }) => {
      const wanted = user ?? "its image's"
      const said = written.get(name)
      if (said === undefined) return `${TABLE} does not say who ${name} runs as`
      return said === wanted ? [] : `${name} runs as ${wanted}, and ${TABLE} says ${said}`
    }),
    ...[...written.keys()]
      .filter((name) => !services.some((service) => service.name === name))
      .map((name) => `${TABLE} says who ${name} runs as, and there is none`),
  ]
}

/** `| \`a\`, \`b\` | 10001:10001 |`, with the reason behind a comma. */
function usersIn(text: string): Map<string, string> {
  const rows = text.matchAll(/^\| (?<names>`[^|]*`) \| (?<user>\d+:\d+|its image's)[^|]*\|$/gm)
  return new Map(
    [...rows].flatMap(({ groups }) =>
      [...(groups?.['names'] ?? '').matchAll(/`(?<name>[a-z-]+)`/g)].map((name) => [
        name.groups?.['name'] ?? '',
        groups?.['user'] ?? '',
      ]),
    ),
  )
}
