import { z } from 'zod'

/** Keys of Feast's that change nothing here; an unknown one beside them is a fault all the same. */
export function unread<Key extends string>(
  ...keys: readonly Key[]
): Record<Key, z.ZodOptional<z.ZodUnknown>> {
  const entries = keys.map((key) => [key, z.unknown().optional()] as const)
  return Object.fromEntries(entries) as Record<Key, z.ZodOptional<z.ZodUnknown>>
}

/** A switch that may be there as long as it is off, since nothing here does what it asks for. */
export function onlyOff(why: string) {
  return z.literal(false, { error: `only false is taken: ${why}` }).optional()
}

/** `online_store: redis` is `online_store: {type: redis}`. */
export function asSection(section: unknown): unknown {
  return typeof section === 'string' ? { type: section } : section
}

/** What a section gives under a key, where it is a section and gives a text. */
export function textIn(section: unknown, key: string): string | undefined {
  if (typeof section !== 'object' || section === null) return undefined
  const value: unknown = Reflect.get(section, key)
  return typeof value === 'string' ? value : undefined
}
