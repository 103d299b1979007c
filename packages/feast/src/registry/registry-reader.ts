import type { Registry } from './definitions.ts'
import { inSlices } from './in-slices.ts'
import { createRegistry } from './registry.ts'
import { definitionsOf, type Part } from './registry-parts.ts'

/** One object as its store keeps it. */
export interface KeptObject {
  /** Equal for what decodes to the same. */
  readonly key: string
  readonly decode: () => Part
}

export interface DecodeOptions {
  readonly onlineVersioning: boolean
}

/**
 * Reads one project again and again beside whoever is being served: only what has changed is decoded,
 * a little at a time, and where nothing has, the registry is the same object as before.
 */
export function createRegistryReader(
  project: string,
  { onlineVersioning }: DecodeOptions,
): (objects: Iterable<KeptObject>, signal: AbortSignal) => Promise<Registry> {
  let known: ReadonlyMap<string, Part> = new Map()
  let last: { readonly parts: readonly Part[]; readonly registry: Registry } | undefined
  return async (objects, signal) => {
    const found = new Map<string, Part>()
    const parts: Part[] = []
    function* steps() {
      for (const { key, decode } of objects) {
        const part = known.get(key) ?? decode()
        found.set(key, part)
        if (part.project === project) parts.push(part)
        yield
      }
    }
    await inSlices(steps(), signal)
    known = found
    if (last === undefined || !areSame(parts, last.parts)) {
      const definitions = definitionsOf(project, parts)
      last = { parts, registry: createRegistry({ ...definitions, onlineVersioning }) }
    }
    return last.registry
  }
}

function areSame(parts: readonly Part[], others: readonly Part[]): boolean {
  return parts.length === others.length && parts.every((part, index) => part === others[index])
}
