import type { ServiceError } from '@usdcop/service/errors'
import type { EnvironmentSecrets } from './environment-secrets.ts'
import { isConnectivity } from './faults.ts'
import type { Identity } from './identity.ts'
import { type KvAddress, type KvSecret, readSecret } from './kv.ts'
import type { Secret } from './secret.ts'
import { secretPath } from './secret-path.ts'
import { untilAborted } from './until-aborted.ts'

export interface SecretRequest extends KvAddress {
  /** The newest unless given. */
  readonly version?: number
  /** Asks Vault whatever the cache holds, and fails where Vault does not answer. */
  readonly fresh?: boolean
}

export interface SecretAnswer {
  readonly fields: ReadonlyMap<string, Secret>
  /** Undefined where it came from the environment. */
  readonly version: number | undefined
  /**
   * `vault`: asked just now. `cache`: read before, within its time. `stale`: read before, and Vault does not answer now.
   * `environment`: from a variable, and Vault does not answer now.
   */
  readonly source: 'vault' | 'cache' | 'stale' | 'environment'
  /** Since Vault answered it; 0 for one from the environment. */
  readonly ageMs: number
}

export interface Holds {
  readonly secrets: number
  /** Since the oldest of them was read; 0 where there is none. */
  readonly oldestMs: number
}

export interface SecretReader {
  /**
   * @throws ServiceError `secret_denied`, `secret_absent`, `secret_deleted`: Vault's answers, never hidden by anything kept;
   *   `vault_unavailable`, `vault_sealed`: nobody answered and nothing may stand in
   */
  read(request: SecretRequest, signal: AbortSignal): Promise<SecretAnswer>
  /** What `read` would answer at once, without a wait; undefined where it has to ask Vault. Told as a read is. */
  kept(request: SecretRequest): SecretAnswer | undefined
  /** What is in memory now, also what would only stand in while Vault does not answer. */
  holds(): Holds
  /** Forgets one path, or everything; what is being read now is not kept either. */
  forget(address?: KvAddress): void
}

export interface SecretReaderOptions {
  readonly identity: Identity
  /** How long an answer is good without asking again, and so how late a change or a withdrawn right is seen. At most 300,000; 0 keeps none. */
  readonly ttlMs?: number
  /** How long after it was read an answer may stand in while Vault does not answer; 0: never. */
  readonly maxStaleMs?: number
  /** What stands in after that. */
  readonly environment?: EnvironmentSecrets | undefined
}

const TTL_MS = 60_000
const LONGEST_TTL_MS = 300_000
const MAX_STALE_MS = 900_000
/** A lease is used for four fifths, so that nothing is handed out that ends in the caller's hands. */
const SHARE_OF_LEASE = 0.8
const MAX_ENTRIES = 1_000

interface Entry {
  readonly secret: KvSecret
  readonly readAt: number
  readonly sequence: number
  readonly epoch: number
  readonly place: string
}

interface Flight {
  readonly answer: Promise<KvSecret>
  readonly place: string
  readonly sequence: number
  /** Somebody was denied, or has forgotten the path, since it began: its answer is given, and not kept. */
  discarded: boolean
}

/**
 * Reads secrets of one identity and keeps them for a while. Nothing here is shared with another identity: each has a reader
 * of its own.
 *
 * - An answer is kept for `ttlMs`, four fifths of its lease at most, and only while the token it was read under is
 *   valid and still the newest.
 * - Callers of one secret at one time share one request.
 * - A denial, an absence, a refusal is an answer: it removes what is kept of that path, and what was asked before it
 *   is not kept.
 * - Only where nobody answers something else stands in, marked as what it is: a kept answer not older than `maxStaleMs`, then a
 *   variable from an explicit list. Neither becomes a kept answer.
 */
export function createSecretReader(options: SecretReaderOptions): SecretReader {
  const { identity, maxStaleMs = MAX_STALE_MS, environment } = options
  const { clock, observe } = identity.server
  const ttlMs = Math.min(options.ttlMs ?? TTL_MS, LONGEST_TTL_MS)
  const entries = new Map<string, Entry>()
  const flights = new Map<string, Flight>()
  const underWay = new Set<Flight>()
  let sequence = 0

  function begin(key: string, place: string, request: SecretRequest): Flight {
    sequence += 1
    const flight: Flight = { answer: ask(), place, sequence, discarded: false }
    flights.set(key, flight)
    underWay.add(flight)
    return flight

    async function ask(): Promise<KvSecret> {
      const readAt = clock.now()
      try {
        // No caller's signal: it is everybody's; the request has a limit of its own.
        const secret = await readSecret(identity, request, new AbortController().signal)
        keep(key, flight, secret, readAt)
        return secret
      } catch (error) {
        if (!isConnectivity(error)) discard(place)
        throw error
      } finally {
        underWay.delete(flight)
        if (flights.get(key) === flight) flights.delete(key)
      }
    }
  }

  function keep(key: string, flight: Flight, secret: KvSecret, readAt: number): void {
    if (flight.discarded || (entries.get(key)?.sequence ?? 0) > flight.sequence) return
    entries.delete(key)
    entries.set(key, {
      secret,
      readAt,
      sequence: flight.sequence,
      epoch: identity.epoch(),
      place: flight.place,
    })
    const [oldest] = entries.keys()
    if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest)
    // What nobody may be given any more is not kept in memory either.
    const now = clock.now()
    for (const [at, { readAt: since }] of entries)
      if (now - since > Math.max(ttlMs, maxStaleMs)) entries.delete(at)
  }

  function discard(place: string | undefined): void {
    const concerns = (of: { readonly place: string }) => place === undefined || of.place === place
    for (const [key, entry] of entries) if (concerns(entry)) entries.delete(key)
    for (const flight of underWay) if (concerns(flight)) flight.discarded = true
    for (const [key, flight] of flights) if (concerns(flight)) flights.delete(key)
  }

  function kept(request: SecretRequest): SecretAnswer | undefined {
    if (request.fresh === true) return undefined
    // Asked for as it was given: what does not fit the grammar is not there.
    const entry = entries.get(keyOf(`${request.mount}:${request.path}`, request))
    if (entry === undefined) return undefined
    const ageMs = clock.now() - entry.readAt
    const goodMs = Math.min(ttlMs, entry.secret.leaseMs * SHARE_OF_LEASE)
    const proved = entry.epoch === identity.epoch() && identity.tokenMsLeft() > 0
    if (ageMs >= goodMs || !proved) return undefined
    tell('cached')
    return answerOf(entry.secret, 'cache', ageMs)
  }

  function standIn(key: string, request: SecretRequest, fault: ServiceError): SecretAnswer {
    const entry = entries.get(key)
    const ageMs = entry === undefined ? Infinity : clock.now() - entry.readAt
    const longestMs = Math.min(maxStaleMs, (entry?.secret.leaseMs ?? 0) * SHARE_OF_LEASE)
    if (entry !== undefined && maxStaleMs > 0 && ageMs <= longestMs) {
      tell('stale')
      return answerOf(entry.secret, 'stale', ageMs)
    }
    const fields = request.version === undefined ? environment?.find(request) : undefined
    if (fields === undefined) throw fault
    tell('environment')
    return { fields, version: undefined, source: 'environment', ageMs: 0 }
  }

  function tell(answer: 'fresh' | 'cached' | 'shared' | 'stale' | 'environment'): void {
    observe({ kind: 'read', identity: identity.name, answer })
  }

  return {
    async read(request, signal) {
      signal.throwIfAborted()
      const hit = kept(request)
      if (hit !== undefined) return hit
      const place = placeOf(request)
      const key = keyOf(place, request)
      const fresh = request.fresh === true
      // Whoever wants it fresh has a reason that began after an earlier request did.
      const shared = fresh ? undefined : flights.get(key)
      const flight = shared ?? begin(key, place, request)
      try {
        const secret = await untilAborted(flight.answer, signal)
        tell(shared === undefined ? 'fresh' : 'shared')
        return answerOf(secret, 'vault', 0)
      } catch (error) {
        signal.throwIfAborted()
        if (fresh || !isConnectivity(error)) throw error
        return standIn(key, request, error)
      }
    },
    kept,
    holds() {
      const now = clock.now()
      let oldestMs = 0
      for (const { readAt } of entries.values()) oldestMs = Math.max(oldestMs, now - readAt)
      return { secrets: entries.size, oldestMs }
    },
    forget: (address) => discard(address === undefined ? undefined : placeOf(address)),
  }
}

function placeOf({ mount, path }: KvAddress): string {
  return `${secretPath(mount)}:${secretPath(path)}`
}

function keyOf(place: string, { version }: SecretRequest): string {
  return `${place}#${version ?? ''}`
}

function answerOf(
  secret: KvSecret,
  source: 'vault' | 'cache' | 'stale',
  ageMs: number,
): SecretAnswer {
  return { fields: secret.fields, version: secret.version, source, ageMs }
}
