import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { ServiceError } from './errors.ts'
import { checkHost, LOOPBACK_NAMES } from './host-check.ts'

/** Each role may do what the ones before it may. */
const ROLES = ['reader', 'writer', 'admin'] as const
export type Role = (typeof ROLES)[number]

export interface ApiKey {
  readonly name: string
  readonly role: Role
  /** SHA-256 of the token, as 64 hex digits; the token itself is never kept. */
  readonly sha256: string
  /** Name patterns of what it may read; every name where absent. */
  readonly read?: readonly string[]
  /** The same of what it may write, within its role. */
  readonly write?: readonly string[]
}

/** Answers whose token it is. */
export interface Keyring {
  readonly size: number
  find(token: string): ApiKey | undefined
}

export function digestOf(token: string): string {
  return hash('sha256', token)
}

export function createKeyring(keys: readonly ApiKey[]): Keyring {
  const entries = keys.map((key) => ({ key, digest: Buffer.from(key.sha256, 'hex') }))
  return {
    size: keys.length,
    find(token) {
      const digest = Buffer.from(digestOf(token), 'hex')
      let found: ApiKey | undefined
      // Every entry is compared, so the time taken does not say which one matched.
      for (const entry of entries) if (timingSafeEqual(entry.digest, digest)) found = entry.key
      return found
    },
  }
}

/**
 * `name:role:sha256` entries separated by commas, as `API_KEYS` gives them. A fourth part narrows an
 * entry to names: `read=stats|driver_*;write=stats`, where `*` stands for any text.
 */
export const apiKeysSchema = z
  .string()
  .default('')
  .transform((text, context) => {
    const keys: ApiKey[] = []
    for (const entry of text.split(',').filter((part) => part.trim() !== '')) {
      const key = parseKey(entry.trim())
      if (key !== undefined) keys.push(key)
      else context.addIssue(EXPECTED_KEYS)
    }
    return keys
  })

const EXPECTED_KEYS =
  'expected name:role:sha256 or name:role:sha256:read=…;write=… entries separated by commas'

/** @throws ServiceError `config_invalid` saying what was expected; the text is not repeated */
export function parseApiKeys(text: string): readonly ApiKey[] {
  const parsed = apiKeysSchema.safeParse(text)
  if (parsed.success) return parsed.data
  throw new ServiceError('config_invalid', EXPECTED_KEYS)
}

const KEY =
  /^(?<name>[\w.-]+):(?<role>reader|writer|admin):(?<sha256>[0-9a-f]{64})(?::(?<rights>.+))?$/
const RIGHT = /^(?<kind>read|write)=(?<names>[\w*-]+(?:\|[\w*-]+)*)$/

function parseKey(entry: string): ApiKey | undefined {
  const { name, role, sha256, rights } = KEY.exec(entry)?.groups ?? {}
  if (name === undefined || role === undefined || sha256 === undefined) return undefined
  const key = { name, role: role as Role, sha256 }
  if (rights === undefined) return key
  const named = rights.split(';').map((right) => RIGHT.exec(right)?.groups)
  const kinds = new Set(named.map((right) => right?.['kind']))
  // Twice the same kind, or a word that is none: what was meant is not to be guessed.
  if (kinds.has(undefined) || kinds.size !== named.length) return undefined
  const lists = named.map((right) => [right?.['kind'], right?.['names']?.split('|')])
  return { ...key, ...Object.fromEntries(lists) }
}

/** Whether a name is among those that a key was narrowed to. */
export function isNamed(patterns: readonly string[] | undefined, name: string): boolean {
  return patterns === undefined || patterns.some((pattern) => fits(pattern, name))
}

function fits(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return name === first
  if (name.length < first.length + last.length) return false
  if (!name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > name.length - last.length) return false
    at = found + part.length
  }
  return true
}

export type Guard = (request: FastifyRequest) => Promise<void>

/** @throws ServiceError `unauthenticated` without one */
export function bearerOf(request: FastifyRequest): string {
  const token = /^Bearer (?<token>\S+)$/i.exec(request.headers.authorization ?? '')?.groups?.[
    'token'
  ]
  if (token === undefined) throw new ServiceError('unauthenticated', 'a bearer token is needed')
  return token
}

/** @throws ServiceError `forbidden` when the key's role does not reach */
export function assertRole(key: ApiKey, role: Role): void {
  if (ROLES.indexOf(key.role) < ROLES.indexOf(role))
    throw new ServiceError('forbidden', `this route needs the role ${role}`)
}

/** An `onRequest` hook: 401 without a known bearer token, 403 when its role does not reach. */
export function requireRole(keyring: Keyring, role: Role): Guard {
  return async (request) => {
    const key = keyring.find(bearerOf(request))
    if (key === undefined)
      throw new ServiceError('unauthenticated', 'the bearer token is not known')
    assertRole(key, role)
  }
}

/**
 * Reads are open while only this machine can reach them, and then under its own names alone: a page
 * elsewhere could read them through a name that it points here. Beyond loopback they need `reader`.
 */
export function guardReads(keyring: Keyring, bindHost: string): Guard {
  return isLoopback(bindHost)
    ? checkHost([...LOOPBACK_NAMES, bindHost])
    : requireRole(keyring, 'reader')
}

/** Refuses to open a service to others before anybody could be told apart. */
export function assertMayBind(bindHost: string, keyring: Keyring): void {
  if (isLoopback(bindHost) || keyring.size > 0) return
  throw new ServiceError(
    'config_invalid',
    `binding ${bindHost} would open this service beyond this machine, and API_KEYS names no key`,
  )
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
