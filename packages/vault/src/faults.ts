import { type ErrorCode, ServiceError } from '@usdcop/service/errors'
import type { Operation } from './events.ts'
import type { Answer } from './transport.ts'

/**
 * The error that an answer other than 2xx means. Every text is ours: Vault's own may repeat what was sent, and a page of a
 * load balancer may hold anything.
 * @param subject what was asked for, made of paths that have passed the grammar
 */
export function faultOf(
  { status, body }: Answer,
  operation: Operation,
  subject: string,
): ServiceError {
  const [code, says] = meaningOf(status, body, operation)
  return new ServiceError(code, `${subject}: ${says}`)
}

type Meaning = readonly [code: ErrorCode, says: string]

function meaningOf(status: number, body: unknown, operation: Operation): Meaning {
  const said = wordsOf(body)
  if (operation === 'login' && (status === 400 || status === 403))
    return ['vault_login_refused', loginReason(said)]
  if (operation === 'unwrap' && (status === 400 || status === 403))
    return ['wrapping_token_spent', 'the wrapping token is used, expired or unknown']
  if (status === 403) return ['secret_denied', 'Vault denies it to this identity']
  if (status === 404)
    return isDeleted(body)
      ? ['secret_deleted', 'its version was deleted or destroyed']
      : ['secret_absent', 'there is nothing there']
  if (status === 400 && said.includes('check-and-set'))
    return ['conflict', 'somebody else has written it meanwhile']
  if (status === 503 && said.includes('sealed')) return ['vault_sealed', 'Vault is sealed']
  if (status === 429) return ['vault_unavailable', 'Vault’s quota is used up']
  if (status === 412 || status >= 500 || status === 0)
    return ['vault_unavailable', `Vault answers ${status}`]
  return ['vault_refused', `Vault refuses the request (${status})`]
}

/** Told apart by a person, so among a few words of ours: a wrong secret id, a wrong address, a locked role. */
function loginReason(said: string): string {
  if (said.includes('cidr') || said.includes('source address'))
    return 'Vault refuses the login: not from this address'
  if (said.includes('locked')) return 'Vault refuses the login: the role is locked for a while'
  if (said.includes('invalid role or secret id') || said.includes('invalid secret id'))
    return 'Vault refuses the login: role id or secret id do not hold'
  return 'Vault refuses the login'
}

/** Lower case, for asking whether a known phrase is in it; never shown. */
function wordsOf(body: unknown): string {
  const errors =
    typeof body === 'object' && body !== null && 'errors' in body ? body.errors : undefined
  return Array.isArray(errors) ? errors.join(' ').toLowerCase() : ''
}

/** A deleted or destroyed version answers 404 with its metadata; what never was there answers with none. */
function isDeleted(body: unknown): boolean {
  const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : undefined
  return typeof data === 'object' && data !== null && 'metadata' in data
}

const AWAY: ReadonlySet<ErrorCode> = new Set([
  'vault_unavailable',
  'vault_sealed',
  'broker_unavailable',
])

/** Nobody has answered the question: Vault, or the broker before it, may a moment later. Everything else is an answer. */
export function isConnectivity(error: unknown): error is ServiceError {
  return error instanceof ServiceError && AWAY.has(error.code)
}
