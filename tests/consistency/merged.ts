/**
 * Entries that stand twice in a list of a merged service: of two files that both bring one, or of a
 * short and a long form that the program does not take for the same.
 */
export function duplicateFindings(model: unknown): string[] {
  const { services } = model as { services: Record<string, Record<string, unknown>> }
  return Object.entries(services).flatMap(([name, service]) =>
    Object.entries(service).flatMap(([key, value]) =>
      Array.isArray(value) && LISTS.includes(key)
        ? twice(value.map((entry) => identity(key, entry))).map(
            (entry) => `${name} has ${key} ${entry} twice`,
          )
        : [],
    ),
  )
}

/** Lists that compose appends to one another; a command or a health check is replaced as a whole. */
const LISTS = [
  'cap_add',
  'cap_drop',
  'dns',
  'networks',
  'ports',
  'profiles',
  'secrets',
  'security_opt',
  'tmpfs',
  'volumes',
]

/** What a list may have once: a mount by its target, a port by its number in the container. */
function identity(key: string, entry: unknown): string {
  if (typeof entry === 'string') {
    const parts = entry.split(':')
    if (key === 'volumes') return parts[1] ?? entry
    if (key === 'ports') return (parts.at(-1) ?? entry).replace(/\/tcp$/, '')
    return key === 'tmpfs' ? (parts[0] ?? entry) : entry
  }
  const { target, source } = entry as { target?: unknown; source?: unknown }
  return String(key === 'secrets' ? source : target)
}

function twice(entries: readonly string[]): string[] {
  return [...new Set(entries.filter((entry, index) => entries.indexOf(entry) !== index))]
}
