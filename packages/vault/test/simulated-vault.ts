import type { Clock } from '../src/clock.ts'
import { type Answer, type Exchange, NoAnswer, type Transport } from '../src/transport.ts'

export interface Seen {
  readonly at: number
  readonly method: string
  /** Behind `/v1/`. */
  readonly path: string
  readonly token: string | undefined
}

export interface SimulatedToken {
  readonly role: string
  readonly maxAt: number
  expiresAt: number
}

export interface SimulatedVaultOptions {
  readonly clock: Clock
  readonly ttlSeconds: number
  readonly maxTtlSeconds?: number
  readonly periodSeconds?: number
  readonly renewable?: boolean
}

/**
 * A model of Vault on simulated time, for what a real one would take years to show: tokens and their ends, KV, outages. It
 * carries requests in the place of connections. That the real one behaves so is shown by the tests of the service ring.
 */
export interface SimulatedVault extends Transport {
  readonly seen: Seen[]
  readonly tokens: Map<string, SimulatedToken>
  /** By role, then by path below `secret/data/`; a role reads what stands here and nothing else. */
  readonly secrets: Map<string, Map<string, string>>
  state: 'up' | 'sealed' | 'down'
  /** Requests that a test holds back, each time one comes. */
  gate: (path: string) => Promise<void>
  revokeAll(): void
}

export function createSimulatedVault(options: SimulatedVaultOptions): SimulatedVault {
  const { clock, ttlSeconds, maxTtlSeconds = Infinity, periodSeconds, renewable = true } = options
  let count = 0
  const wholeSeconds = (ms: number) => (ms === Infinity ? ms : Math.max(0, Math.floor(ms / 1_000)))
  const ok = (body: object): Answer => ({ status: 200, body })
  const refuse = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } })

  const vault: SimulatedVault = {
    seen: [],
    tokens: new Map(),
    secrets: new Map(),
    state: 'up',
    gate: async () => {},
    revokeAll: () => vault.tokens.clear(),
    async exchange(exchange, signal) {
      const path = exchange.url.pathname.slice('/v1/'.length)
      const token = exchange.headers['x-vault-token']
      vault.seen.push({ at: clock.now(), method: exchange.method, path, token })
      await vault.gate(path)
      signal.throwIfAborted()
      if (vault.state === 'down') throw new NoAnswer('ECONNREFUSED')
      if (vault.state === 'sealed') return refuse(503, 'Vault is sealed')
      if (path === 'sys/health') return ok({ sealed: false })
      if (path === 'auth/approle/login') return login(exchange)
      const held = token === undefined ? undefined : vault.tokens.get(token)
      if (held === undefined || held.expiresAt <= clock.now())
        return refuse(403, 'permission denied')
      if (path === 'auth/token/renew-self') return renew(held)
      if (path === 'auth/token/lookup-self') return ok({ data: { ttl: 1, renewable } })
      if (path === 'auth/token/revoke-self') {
        vault.tokens.delete(token ?? '')
        return { status: 204, body: undefined }
      }
      return read(held, path.replace('secret/data/', ''))
    },
    async [Symbol.asyncDispose]() {},
  }

  function login({ body = '{}' }: Exchange): Answer {
    const { role_id: role } = JSON.parse(body) as { role_id: string }
    count += 1
    const name = `token-${count}-of-${role}`
    const firstMs = (periodSeconds ?? ttlSeconds) * 1_000
    const maxAt = periodSeconds === undefined ? clock.now() + maxTtlSeconds * 1_000 : Infinity
    const expiresAt = Math.min(clock.now() + firstMs, maxAt)
    vault.tokens.set(name, { role, maxAt, expiresAt })
    const lease_duration = wholeSeconds(expiresAt - clock.now())
    return ok({ auth: { client_token: name, lease_duration, renewable } })
  }

  function renew(token: SimulatedToken): Answer {
    if (!renewable) return refuse(400, 'lease is not renewable')
    // As Vault reckons it, which may leave a second less than there was: its seconds are cut off before they are compared.
    const leftSeconds = wholeSeconds(token.maxAt) - wholeSeconds(clock.now())
    const lease_duration = Math.min(periodSeconds ?? ttlSeconds, leftSeconds)
    if (lease_duration <= 0) return refuse(400, 'past its longest life')
    token.expiresAt = clock.now() + lease_duration * 1_000
    return ok({ auth: { lease_duration, renewable } })
  }

  function read({ role }: SimulatedToken, path: string): Answer {
    const own = vault.secrets.get(role)
    if (own === undefined) return refuse(403, 'permission denied')
    const value = own.get(path)
    if (value === undefined) return { status: 404, body: { errors: [] } }
    if (value === 'denied') return refuse(403, 'permission denied')
    const metadata = { version: 1, created_time: '2026-01-02T00:00:00Z' }
    return ok({ lease_duration: 0, data: { data: { value }, metadata } })
  }

  return vault
}
