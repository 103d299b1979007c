/** Any JSON value; what a ledger body may hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }

/** Thrown for a value that has no exact JSON text. */
export class CanonicalError extends Error {
  readonly code = 'not_canonical'
}

/**
 * JSON text with sorted keys (UTF-16 code units, as RFC 8785) and each number as the shortest text
 * that reads back to the same float64; −0 is 0. Refuses NaN, infinities and anything JSON drops.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string')
    return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new CanonicalError(`${value} has no JSON text`)
    return JSON.stringify(value)
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new CanonicalError(`${typeof value} has no JSON text`)
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] as Json)}`)
  return `{${members.join(',')}}`
}

// Array.isArray does not narrow a readonly array out of a union.
const isArray = (value: Json): value is readonly Json[] => Array.isArray(value)
