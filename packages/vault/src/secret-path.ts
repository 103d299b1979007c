import { ServiceError } from '@usdcop/service/errors'

/** Longer ones than any that people give; Vault itself would take more. */
const MAX_PATH_CHARACTERS = 512
const MAX_SEGMENT_CHARACTERS = 128
const SEGMENT = /^[A-Za-z0-9_.-]+$/

/** Segments that have passed the grammar, joined by `/`: `trading/database`. Only this file makes them. */
export type SecretPath = string & { readonly __secretPath: never }

/**
 * The grammar of everything that becomes part of an address: segments of letters, digits, `_`, `.` and `-`, none of them
 * `.` or `..`, with one `/` between. A percent sign, a backslash, a query, a space or a control character never
 * reaches Vault, so nothing can leave its mount however it is written.
 * @throws ServiceError `secret_path_invalid`; its message does not repeat the path, which may be a misplaced secret
 */
export function secretPath(text: string): SecretPath {
  const fault = faultOf(text)
  if (fault !== undefined) throw new ServiceError('secret_path_invalid', `a path in Vault ${fault}`)
  return text as SecretPath
}

/** One segment: the name of a role, of a key, of a policy. */
export function secretName(text: string): SecretPath {
  if (text.includes('/'))
    throw new ServiceError('secret_path_invalid', 'a name in Vault holds a slash')
  return secretPath(text)
}

function faultOf(text: unknown): string | undefined {
  if (typeof text !== 'string') return 'is text'
  if (text.length > MAX_PATH_CHARACTERS) return `is at most ${MAX_PATH_CHARACTERS} characters`
  for (const segment of text.split('/')) {
    if (segment === '') return 'has no empty segment, and no slash at either end'
    if (segment.length > MAX_SEGMENT_CHARACTERS)
      return `has segments of at most ${MAX_SEGMENT_CHARACTERS} characters`
    if (segment === '.' || segment === '..') return 'has no segment that climbs'
    if (!SEGMENT.test(segment)) return 'holds letters, digits, "_", "." and "-" alone'
  }
  return undefined
}
