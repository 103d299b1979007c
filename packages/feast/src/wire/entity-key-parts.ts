import { ENTITY_TYPES } from './entity-key.ts'
import { FIELD_OF } from './value-types.ts'

export interface EntityKeyParts {
  readonly joinKeys: readonly string[]
  /** Where the key ends and, in Redis, the project begins. */
  readonly end: number
}

const VALUE_CODES = new Set<number>(ENTITY_TYPES.map((type) => FIELD_OF[type]))

/** What an entity key of version 3 at the start of the bytes names; undefined where there is none. */
export function entityKeyParts(bytes: Buffer): EntityKeyParts | undefined {
  if (bytes.length < 4) return undefined
  const count = bytes.readUInt32LE()
  const joinKeys: string[] = []
  let at = 4
  for (let part = 0; part < 2 * count; part++) {
    const isName = part < count
    const start = at + 8
    if (start > bytes.length) return undefined
    const code = bytes.readUInt32LE(at)
    if (isName ? code !== FIELD_OF.STRING : !VALUE_CODES.has(code)) return undefined
    at = start + bytes.readUInt32LE(at + 4)
    if (at > bytes.length) return undefined
    if (isName) joinKeys.push(bytes.toString('utf8', start, at))
  }
  return count === 0 ? undefined : { joinKeys, end: at }
}
