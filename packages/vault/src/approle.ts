import { z } from 'zod'
import { readAnswer, secretText } from './answers.ts'
import type { Identity } from './identity.ts'
import type { Secret } from './secret.ts'
import { secretName, secretPath } from './secret-path.ts'

/** Whose secret id, and how narrow. Each limit may be stricter than the role's, never wider. */
export interface SecretIdRequest {
  readonly role: string
  /** Where AppRole is mounted; `approle` unless given. */
  readonly mount?: string
  /** Seconds in which it must be unwrapped. */
  readonly wrapTtlSeconds: number
  readonly ttlSeconds?: number
  /** 1 for a single login; 0 is no limit. */
  readonly uses?: number
  /** Addresses that may log in with it, and use the token. */
  readonly cidrs?: readonly string[]
}

export interface WrappedSecretId {
  readonly wrappingToken: Secret
  /** For a `wrapped` credential to check. */
  readonly creationPath: string
  readonly ttlSeconds: number
}

const wrapped = z.object({
  wrap_info: z.object({ token: secretText, ttl: z.number(), creation_path: z.string() }),
})
const roleId = z.object({ data: z.object({ role_id: z.string().min(1) }) })

/** Makes a secret id that its maker never sees: a wrapping token, good for one unwrapping. */
export async function issueWrappedSecretId(
  identity: Identity,
  { role, mount = 'approle', wrapTtlSeconds, ttlSeconds, uses, cidrs }: SecretIdRequest,
  signal: AbortSignal,
): Promise<WrappedSecretId> {
  const path = secretPath(`auth/${secretPath(mount)}/role/${secretName(role)}/secret-id`)
  const body = {
    ...(ttlSeconds !== undefined && { ttl: `${ttlSeconds}s` }),
    ...(uses !== undefined && { num_uses: uses }),
    ...(cidrs !== undefined && { cidr_list: cidrs, token_bound_cidrs: cidrs }),
  }
  const answer = await identity.ask(
    { operation: 'issue', verb: 'write', path, body, wrapTtlSeconds },
    signal,
  )
  const {
    token,
    ttl,
    creation_path: creationPath,
  } = readAnswer(wrapped, answer, `issue at ${path}`).wrap_info
  return { wrappingToken: token, creationPath, ttlSeconds: ttl }
}

export async function readRoleId(
  identity: Identity,
  { role, mount = 'approle' }: { readonly role: string; readonly mount?: string },
  signal: AbortSignal,
): Promise<string> {
  const path = secretPath(`auth/${secretPath(mount)}/role/${secretName(role)}/role-id`)
  const answer = await identity.ask({ operation: 'read', verb: 'read', path }, signal)
  return readAnswer(roleId, answer, `read of ${path}`).data.role_id
}
