import { createHash } from 'node:crypto'

/**
 * SHA-256, in hex, of a JSON value in canonical form: members in RFC 8785 order (by UTF-16 code
 * units), each number as the 16 hex digits of its float64. Languages print numbers differently
 * (9.04e-07, 9.04e-7); their bits are the same everywhere.
 */
export function canonicalHash(value: unknown): string {
  return createHash('sha256').update(canonicalText(value), 'utf8').digest('hex')
}

/** The text that is hashed. Throws a TypeError on what JSON cannot hold. */
export function canonicalText(value: unknown): string {
  if (value === null || typeof value === 'boolean') return String(value)
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') return float64Hex(value)
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`
  if (typeof value === 'object') return `{${members(value).join(',')}}`
  throw new TypeError(`a ${typeof value} has no canonical form`)
}

function members(value: object): string[] {
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalText(member)}`)
}

function float64Hex(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical form`)
  const bits = Buffer.alloc(8)
  // Adding zero turns −0, which JSON readers disagree about, into 0.
  bits.writeDoubleBE(value + 0)
  return bits.toString('hex')
}
