import { z } from 'zod'
import { leaseMs, readAnswer, secretText } from './answers.ts'
import { isConnectivity } from './faults.ts'
import type { Identity } from './identity.ts'
import { createKeeper, type Keeper, type Lent } from './keeper.ts'
import type { Secret } from './secret.ts'
import { secretName, secretPath } from './secret-path.ts'

/** A database user that Vault has made and will drop at the end of its lease. */
export interface DatabaseCredentials {
  readonly user: string
  readonly password: Secret
  readonly leaseId: Secret
}

export interface DatabaseRole {
  /** Of the database engine; `database` in this platform. */
  readonly mount: string
  readonly role: string
}

const lent = z.object({
  lease_id: secretText,
  lease_duration: leaseMs,
  renewable: z.boolean(),
  data: z.object({ username: z.string().min(1), password: secretText }),
})
const renewal = z.object({ lease_duration: leaseMs, renewable: z.boolean() })

/** Asks for a new user. Whoever calls this looks after its lease; `keepDatabaseCredentials` does. */
export async function obtainDatabaseCredentials(
  identity: Identity,
  { mount, role }: DatabaseRole,
  signal: AbortSignal,
): Promise<Lent<DatabaseCredentials>> {
  const path = secretPath(`${secretPath(mount)}/creds/${secretName(role)}`)
  const grantedAt = identity.server.clock.now()
  const answer = await identity.ask({ operation: 'credentials', verb: 'read', path }, signal)
  const {
    data,
    lease_id: leaseId,
    lease_duration: durationMs,
    renewable,
  } = readAnswer(lent, answer, path)
  return {
    value: { user: data.username, password: data.password, leaseId },
    grant: { grantedAt, durationMs, renewable },
  }
}

export interface KeptDatabaseRole extends DatabaseRole {
  /**
   * Makes new credentials ready for use: opens the new pool, lets the old one drain. The old user lives until this has
   * resolved; where it rejects the old one stays in use and other credentials are asked for.
   */
  readonly adopt: (credentials: DatabaseCredentials, signal: AbortSignal) => Promise<void>
}

/**
 * A database user that is always there: its lease is renewed, and another user takes its place before the lease or the
 * token that it was lent under ends.
 */
export function keepDatabaseCredentials(
  identity: Identity,
  { mount, role, adopt }: KeptDatabaseRole,
): Keeper<DatabaseCredentials> {
  const { availability, clock, random, observe } = identity.server
  const keeper = createKeeper<DatabaseCredentials>({
    availability,
    clock,
    random,
    isConnectivity,
    adopt,
    obtain: (signal) => obtainDatabaseCredentials(identity, { mount, role }, signal),
    async renew({ leaseId }, fullMs, signal) {
      const grantedAt = clock.now()
      const body = { lease_id: leaseId.reveal(), increment: Math.ceil(fullMs / 1_000) }
      const path = secretPath('sys/leases/renew')
      const answer = await identity.ask({ operation: 'renew', verb: 'write', path, body }, signal)
      const { lease_duration: durationMs, renewable } = readAnswer(
        renewal,
        answer,
        'renewal of a lease',
      )
      return { grantedAt, durationMs, renewable }
    },
    async release({ leaseId }, signal) {
      const path = secretPath('sys/leases/revoke')
      const body = { lease_id: leaseId.reveal() }
      await identity.ask({ operation: 'revoke', verb: 'write', path, body }, signal)
    },
    tell: (held) =>
      observe({ kind: 'lease', identity: identity.name, lease: `${mount}/${role}`, ...held }),
  })
  // What was lent under a token is revoked with it.
  const stopListening = identity.onReplaced((signal) => keeper.replace(signal))
  return {
    ...keeper,
    async [Symbol.asyncDispose]() {
      stopListening()
      await keeper[Symbol.asyncDispose]()
    },
  }
}
