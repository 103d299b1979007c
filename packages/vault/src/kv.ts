import { z } from 'zod'
import { leaseMs, readAnswer } from './answers.ts'
import type { Identity } from './identity.ts'
import { Secret } from './secret.ts'
import { secretPath } from './secret-path.ts'

/** Where a secret of a KV engine, version 2, is. */
export interface KvAddress {
  /** Of the engine; `secret` in this platform. */
  readonly mount: string
  readonly path: string
}

export interface KvSecret {
  readonly fields: ReadonlyMap<string, Secret>
  readonly version: number
  readonly createdAt: Date
  /** How long Vault allows to keep it; `Infinity` where it says nothing, as KV version 2 does. */
  readonly leaseMs: number
}

const metadata = z.object({ version: z.number().int().positive(), created_time: z.coerce.date() })
const read = z.object({
  lease_duration: leaseMs,
  data: z.object({
    // Entries, as they were parsed: a field may be called `__proto__`, and in a map it is a name like another.
    data: z.custom<object>(isRecord).transform((fields) => new Map(Object.entries(fields))),
    metadata,
  }),
})
const written = z.object({ data: z.object({ version: z.number().int().positive() }) })
const listed = z.object({ data: z.object({ keys: z.array(z.string()) }) })

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The newest version, or the one that is named.
 * @throws ServiceError `secret_absent` where nothing was ever written or the version does not exist, `secret_deleted` where that
 *   version was deleted or destroyed, `secret_denied`, `vault_unavailable`, `vault_sealed`
 */
export async function readSecret(
  identity: Identity,
  { mount, path, version }: KvAddress & { readonly version?: number | undefined },
  signal: AbortSignal,
): Promise<KvSecret> {
  const at = secretPath(`${secretPath(mount)}/data/${secretPath(path)}`)
  const which = version === undefined ? {} : { version }
  const answer = await identity.ask({ operation: 'read', verb: 'read', path: at, ...which }, signal)
  const { data, lease_duration } = readAnswer(read, answer, `read of ${at}`)
  const fields = new Map([...data.data].map(([name, value]) => [name, new Secret(textOf(value))]))
  return {
    fields,
    version: data.metadata.version,
    createdAt: data.metadata.created_time,
    leaseMs: lease_duration,
  }
}

/** Values are text here. What somebody else wrote as a number or a list is read as its JSON. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

export interface KvWrite extends KvAddress {
  readonly fields: Readonly<Record<string, Secret>>
  /** The version that must be the newest; 0 where there must be none. Without it the newest is overwritten. */
  readonly expected?: number
}

/**
 * Writes a new version. Every value is text, because an audit log hides text alone.
 * @returns the version's number
 * @throws ServiceError `conflict` where another version than the expected one is the newest
 */
export async function writeSecret(
  identity: Identity,
  { mount, path, fields, expected }: KvWrite,
  signal: AbortSignal,
): Promise<number> {
  const at = secretPath(`${secretPath(mount)}/data/${secretPath(path)}`)
  const data = Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, value.reveal()]),
  )
  const options = expected === undefined ? {} : { options: { cas: expected } }
  const body = { data, ...options }
  const answer = await identity.ask({ operation: 'write', verb: 'write', path: at, body }, signal)
  return readAnswer(written, answer, `write of ${at}`).data.version
}

/**
 * Names directly below a path, folders with their slash. Vault filters no names by policy.
 * @param path undefined lists the mount itself
 * @throws ServiceError `secret_absent` where there is nothing below it
 */
export async function listSecrets(
  identity: Identity,
  { mount, path }: { readonly mount: string; readonly path?: string },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const below = path === undefined ? '' : `/${secretPath(path)}`
  const at = secretPath(`${secretPath(mount)}/metadata${below}`)
  const answer = await identity.ask({ operation: 'list', verb: 'list', path: at }, signal)
  return readAnswer(listed, answer, `list of ${at}`).data.keys
}

/** Deletes the newest version; it can be restored until it is destroyed. */
export async function deleteSecret(
  identity: Identity,
  { mount, path }: KvAddress,
  signal: AbortSignal,
): Promise<void> {
  const at = secretPath(`${secretPath(mount)}/data/${secretPath(path)}`)
  await identity.ask({ operation: 'delete', verb: 'delete', path: at }, signal)
}
