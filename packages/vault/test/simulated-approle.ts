import type { Clock } from '../src/clock.ts'
import type { IdentityFolder, KeptSecretId } from '../src/identity-folder.ts'
import { Secret } from '../src/secret.ts'
import type { Answer, Exchange } from '../src/transport.ts'
import { createSimulatedVault, type SimulatedVault } from './simulated-vault.ts'

export interface SimulatedSecretId {
  readonly accessor: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly cidrs: readonly string[]
}

/** A model of Vault's AppRole over the one of its tokens: secret ids that are made, end and are destroyed. */
export interface SimulatedAppRole extends SimulatedVault {
  readonly ids: Map<string, SimulatedSecretId>
  make(ttlSeconds: number, cidrs?: readonly string[]): string
  live(): readonly string[]
}

/** Wall time and monotonic time are one here. */
export function createSimulatedAppRole(clock: Clock): SimulatedAppRole {
  const vault = createSimulatedVault({ clock, ttlSeconds: 3_600, maxTtlSeconds: 86_400 })
  const ids = new Map<string, SimulatedSecretId>()
  let count = 0
  const exchangeTokens = vault.exchange.bind(vault)
  const refuse = (status: number, error: string): Answer => ({ status, body: { errors: [error] } })
  const isLive = (secretId: string) => (ids.get(secretId)?.expiresAt ?? 0) > clock.now()
  function make(ttlSeconds: number, cidrs: readonly string[] = []): string {
    count += 1
    const createdAt = clock.now()
    const expiresAt = createdAt + ttlSeconds * 1_000
    ids.set(`id-${count}`, { accessor: `accessor-${count}`, createdAt, expiresAt, cidrs })
    return `id-${count}`
  }

  async function exchange(asked: Exchange, signal: AbortSignal): Promise<Answer> {
    const path = asked.url.pathname.slice('/v1/'.length)
    const body = JSON.parse(asked.body ?? '{}') as Readonly<Record<string, string>> & {
      readonly cidr_list?: readonly string[]
    }
    // Seen, held back and refused while down, as every request is.
    if (vault.state !== 'up') return exchangeTokens(asked, signal)
    if (path === 'auth/approle/login' && !isLive(body['secret_id'] ?? '')) {
      await exchangeTokens({ ...asked, url: new URL('/v1/sys/health', asked.url) }, signal)
      return refuse(400, 'invalid role or secret ID')
    }
    if (!path.startsWith('auth/approle/role/')) return exchangeTokens(asked, signal)
    vault.seen.push({ at: clock.now(), method: asked.method, path, token: undefined })
    if (path.endsWith('/secret-id')) {
      const ttl = Number.parseInt(body['ttl'] ?? '86400s', 10)
      const secret_id = make(ttl, body.cidr_list)
      return { status: 200, body: { data: { secret_id } } }
    }
    if (path.endsWith('/lookup')) {
      const secretId = body['secret_id'] ?? ''
      const known = ids.get(secretId)
      if (known === undefined || !isLive(secretId)) return { status: 204, body: undefined }
      const data = {
        secret_id_accessor: known.accessor,
        creation_time: new Date(known.createdAt).toISOString(),
        expiration_time: new Date(known.expiresAt).toISOString(),
        cidr_list: known.cidrs,
        token_bound_cidrs: known.cidrs,
      }
      return { status: 200, body: { data } }
    }
    for (const [secretId, { accessor }] of ids)
      if (accessor === body['secret_id_accessor']) ids.delete(secretId)
    return { status: 204, body: undefined }
  }

  return Object.assign(vault, {
    exchange,
    ids,
    make,
    live: () => [...ids.keys()].filter(isLive),
  })
}

/** What a folder would hold, for time that passes faster than a disk answers. */
export function createSimulatedFolder(secretId: string): IdentityFolder {
  const kept = new Map<KeptSecretId, Secret>([['current', new Secret(secretId)]])
  return {
    role: 'secrets-broker',
    async source() {
      return { kind: 'approle', roleId: 'secrets-broker', secretId: held() }
    },
    check: async () => {},
    roleId: async () => 'secrets-broker',
    wrappedAt: async () => undefined,
    read: async (name) => kept.get(name),
    write: async (name, secret) => void kept.set(name, secret),
    drop: async (name) => void kept.delete(name),
    async swap() {
      kept.set('retired', held())
      kept.set('current', kept.get('next') ?? held())
      kept.delete('next')
    },
  }

  function held(): Secret {
    const current = kept.get('current')
    if (current === undefined) throw new Error('no secret id')
    return current
  }
}
