import { createKeyring, digestOf } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import { createLogger, type Logger } from '@usdcop/service/log'
import { createRegistry } from '@usdcop/service/metrics'
import { Secret } from '@usdcop/vault/secret'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { type AdminDeps, buildAdminApp } from '../src/admin-app.ts'
import { buildApp, type Deps } from '../src/app.ts'
import { createAudit } from '../src/audit.ts'
import type { CallerSecrets } from '../src/caller-secrets.ts'
import { type Callers, parseCallers } from '../src/callers.ts'
import { createCertificateEnds } from '../src/certificate-ends.ts'
import type { Issuer } from '../src/issuer.ts'
import { createBrokerMetrics } from '../src/metrics.ts'

export const TOKENS = { alpha: 'token-of-alpha', beta: 'token-of-beta', admin: 'token-of-admin' }
export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export const twoCallers: Callers = parseCallers(
  JSON.stringify({
    alpha: {
      role: 'alpha-role',
      certificates: ['DNS:alpha', 'URI:spiffe://usdcop/alpha'],
      tokens: [digestOf(TOKENS.alpha)],
      secrets: true,
    },
    beta: { role: 'beta-role', certificates: ['CN=beta'], tokens: [digestOf(TOKENS.beta)] },
  }),
)

/** Lines of a log, parsed. */
export interface Lines {
  readonly logger: Logger
  readonly texts: string[]
  parsed(): readonly Record<string, unknown>[]
  audits(): readonly Record<string, unknown>[]
}

export function logLines(level = 'silent'): Lines {
  const texts: string[] = []
  const logger = createLogger({
    name: 'secrets-broker',
    level,
    // Several lines may come in one piece.
    destination: { write: (piece) => void texts.push(...piece.split('\n').filter(Boolean)) },
  })
  const parsed = () => texts.map((line) => JSON.parse(line) as Record<string, unknown>)
  return { logger, texts, parsed, audits: () => parsed().filter((line) => line['audit'] === true) }
}

/** Issues without a Vault; counts. */
export function fakeIssuer(): Issuer & { readonly issued: string[] } {
  const issued: string[] = []
  return {
    issued,
    secretIdTtlSeconds: 120,
    msLeft: () => new Map(),
    async issue({ role }) {
      issued.push(role)
      return {
        roleId: `id-of-${role}`,
        wrappingToken: new Secret(`wrapped-for-${role}`),
        creationPath: `auth/approle/role/${role}/secret-id`,
        ttlSeconds: 60,
      }
    },
    async credential({ role }) {
      return { kind: 'approle', roleId: role, secretId: new Secret(`id-of-${role}`) }
    },
  }
}

/** Reads without a Vault: every path holds whose it is. */
export function fakeSecrets(): CallerSecrets {
  const revoked = new Set<string>()
  return {
    async read({ name }, { path }) {
      if (path === 'denied') throw new ServiceError('secret_denied', 'denied')
      if (path === 'sealed') throw new ServiceError('vault_sealed', 'sealed')
      const fields = new Map([['value', new Secret(`${name}:${path}`)]])
      return { fields, version: 3, source: 'vault', ageMs: 0 }
    },
    kept: () => undefined,
    holds: () => new Map(),
    rotate: async () => {},
    revoke: async ({ name }) => void revoked.add(name),
    restore: ({ name }) => void revoked.delete(name),
    isRevoked: ({ name }) => revoked.has(name),
    flush: () => {},
    tokensMsLeft: () => new Map([['alpha', 60_000]]),
    [Symbol.asyncDispose]: async () => {},
  }
}

export const NO_LIMITS: Deps['limits'] = {
  requests: { burst: 1e9, perSecond: 1e9 },
  identities: { burst: 1e9, perSecond: 1e9 },
}

export interface TestBroker {
  readonly app: FastifyInstance
  readonly admin: FastifyInstance
  readonly lines: Lines
  readonly registry: Registry
  readonly deps: Deps & AdminDeps
}

/** Both apps over fakes, each of which may be replaced. */
export function testBroker(
  given: Partial<Deps & AdminDeps> & { readonly lines?: Lines } = {},
): TestBroker {
  const lines = given.lines ?? logLines()
  const registry = given.registry ?? createRegistry('secrets-broker')
  const keyring = createKeyring([
    { name: 'operator', role: 'admin', sha256: digestOf(TOKENS.admin) },
    { name: 'scraper', role: 'reader', sha256: digestOf('token-of-scraper') },
  ])
  const deps = {
    logger: lines.logger,
    registry,
    metrics: given.metrics ?? createBrokerMetrics(registry),
    audit: createAudit(lines.logger),
    callers: twoCallers,
    issuer: fakeIssuer(),
    certificates: createCertificateEnds(registry),
    secrets: fakeSecrets(),
    mount: 'secret',
    server: { health: async () => 'active' as const },
    identity: { tokenMsLeft: () => 60_000 },
    keyring,
    bindHost: '127.0.0.1',
    hosts: ['broker'],
    limits: NO_LIMITS,
    now: () => performance.now(),
    ...given,
  }
  return { app: buildApp(deps), admin: buildAdminApp(deps), lines, registry, deps }
}
