import { ServiceError } from '@usdcop/service/errors'
import type { Secret } from '@usdcop/vault/secret'
import { Redis } from 'ioredis'
import type { PasswordHash } from './plan.ts'

/** The users of one Redis, by somebody who may change them. No password is sent: hashes alone. */
export interface Acl {
  /** @throws ServiceError `not_found` where there is no such user, `not_supported` where it needs no password */
  accepted(user: string): Promise<ReadonlySet<PasswordHash>>
  accept(user: string, hash: PasswordHash): Promise<void>
  refuse(user: string, hash: PasswordHash): Promise<void>
  /** Into the ACL file, which a restart reads. */
  save(): Promise<void>
}

/**
 * Connects, works, and disconnects.
 * @throws ServiceError `store_unavailable` where Redis does not answer, or refuses; its own text is not repeated
 */
export type WithAcl = <T>(password: Secret, work: (acl: Acl) => Promise<T>) => Promise<T>

export interface AclAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Who may change users. */
  readonly user: string
}

const TIMEOUT_MS = 5_000

export function connectAcl({ host, port, tls, user }: AclAddress): WithAcl {
  return async (password, work) => {
    const client = new Redis({
      host,
      port,
      ...(tls && { tls: {} }),
      username: user,
      password: password.reveal(),
      protocol: 2,
      lazyConnect: true,
      connectTimeout: TIMEOUT_MS,
      commandTimeout: TIMEOUT_MS,
      // Its user may change users and do nothing else, not even ask how the server is.
      enableReadyCheck: false,
      disableClientInfo: true,
      retryStrategy: () => null,
    })
    let fault: unknown
    client.on('error', (error) => {
      fault = error
    })
    try {
      await client.connect().catch((error: unknown) => {
        throw translated(fault ?? error)
      })
      return await work(aclOf(client))
    } finally {
      client.disconnect()
    }
  }
}

function aclOf(client: Redis): Acl {
  const ask = async (...args: [string, ...string[]]): Promise<unknown> => {
    try {
      return await client.call('ACL', ...args)
    } catch (error) {
      throw translated(error)
    }
  }
  return {
    async accepted(user) {
      const told = await ask('GETUSER', user)
      if (!Array.isArray(told)) throw new ServiceError('not_found', `Redis has no user ${user}`)
      const named = (name: string): readonly string[] => {
        const value: unknown = told[told.indexOf(name) + 1]
        return Array.isArray(value) ? value.map(String) : []
      }
      if (named('flags').includes('nopass'))
        throw new ServiceError('not_supported', `Redis takes any password of its user ${user}`)
      return new Set(named('passwords'))
    },
    async accept(user, hash) {
      await ask('SETUSER', user, `#${hash}`)
    },
    async refuse(user, hash) {
      await ask('SETUSER', user, `!${hash}`)
    },
    async save() {
      await ask('SAVE')
    },
  }
}

/** What Redis answers begins with a word of its protocol; the rest, and what was sent, stay out of the error. */
function translated(error: unknown): ServiceError {
  const { code, message = '' } = (error ?? {}) as { code?: unknown; message?: string }
  return new ServiceError('store_unavailable', saying(message, code))
}

function saying(message: string, code: unknown): string {
  if (/^(?:WRONGPASS|NOAUTH)\b/.test(message)) return 'Redis refuses the user that rotates'
  if (message.startsWith('NOPERM')) return 'Redis lets the user that rotates change no users'
  if (message.includes('not configured to use an ACL file'))
    return 'Redis keeps no ACL file, so a restart would forget a rotation'
  if (typeof code === 'string') return `Redis does not answer (${code})`
  if (/^[A-Z]{3,20} /.test(message)) return `Redis refuses (${message.split(' ')[0]})`
  return 'Redis does not answer'
}
