import { setTimeout as sleep } from 'node:timers/promises'
import { type Probe, ProbedState } from '@usdcop/service/health'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { openAuthority } from '@usdcop/vault/authority'
import type { VaultEvent } from '@usdcop/vault/events'
import { isConnectivity } from '@usdcop/vault/faults'
import { createIdentity, type Identity } from '@usdcop/vault/identity'
import { createVaultMetrics } from '@usdcop/vault/metrics'
import type { VaultSettings } from '@usdcop/vault/vault-config'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { type SecretNews, type WatchedSecret, watchSecret } from '@usdcop/vault/watched-secret'
import type { Registry } from 'prom-client'

/** What a service holds of Vault: its identity, and what it has under it. The lifecycle gives all of it back. */
export interface Vault {
  readonly identity: Identity
  /** For `/readyz`: whether a token is held, and how secrets stand. Neither makes a service that still serves unready. */
  readonly probes: Readonly<Record<string, Probe>>
  /** Watches a secret of KV; see `watchSecret`. Vault is waited for. */
  watch(path: string, hear: (news: SecretNews) => void): Promise<WatchedSecret>
  /** Counts a lease among the metrics. */
  addLease(name: string, msLeft: () => number): void
}

export interface ServiceParts {
  /** Of the service, as its role in Vault is named. */
  readonly name: string
  readonly life: Lifecycle
  readonly logger: Logger
  readonly registry: Registry
}

export interface Taken {
  readonly vault: VaultSettings | undefined
  readonly apiKeysSecret?: string | undefined
  readonly databaseRole?: string | undefined
  readonly redisSecret?: string | undefined
  readonly featureServerKeySecret?: string | undefined
}

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 5_000

/** The Vault of a configuration; undefined where it names none, and where nothing is taken from it. */
export async function openVaultOf(config: Taken, parts: ServiceParts): Promise<Vault | undefined> {
  const { vault, apiKeysSecret, databaseRole, redisSecret, featureServerKeySecret } = config
  const taken = [apiKeysSecret, databaseRole, redisSecret, featureServerKeySecret]
  if (vault === undefined || taken.every((what) => what === undefined)) return undefined
  return await openVault(vault, parts)
}

/**
 * Logs in to a Vault. A Vault or a broker that is away is waited for, until the service ends.
 * @throws ServiceError what they refuse
 */
async function openVault(settings: VaultSettings, parts: ServiceParts): Promise<Vault> {
  const { name, life, logger, registry } = parts
  const metrics = createVaultMetrics(registry, 'usdcop_secrets')
  const observe = (event: VaultEvent) => {
    metrics.observe(event)
    tell(logger, event)
  }
  const { address, namespace, timeoutMs, caFile } = settings
  const reading = { signal: life.signal, observe }
  const ca = caFile === undefined ? undefined : await openAuthority(caFile, reading)
  const server = createVaultServer({ address, namespace, timeoutMs, tls: { ca }, observe })
  life.onClose('connections to Vault', () => server[Symbol.asyncDispose]())
  const identity = createIdentity(server, { name, source: settings.source })
  life.onClose('token', () => identity[Symbol.asyncDispose]())
  const watched: WatchedSecret[] = []
  const leases = new Map<string, () => number>()
  metrics.watchTokens(() => new Map([[name, identity.tokenMsLeft()]]))
  metrics.watchLeases(() => new Map([...leases].map(([lease, msLeft]) => [lease, msLeft()])))
  await whenAnswered(() => identity.ready(life.signal), parts)
  return {
    identity,
    probes: {
      identity: async () => new ProbedState(true, identity.tokenMsLeft() > 0 ? 'held' : 'none'),
      secrets: async () => new ProbedState(true, worstOf(watched)),
    },
    async watch(path, hear) {
      const at = { mount: settings.mount, path, ttlMs: settings.ttlMs }
      const heard = (news: SecretNews) => {
        if (news.kind === 'withdrawn') logger.error({ err: news.fault }, 'a secret is withdrawn')
        hear(news)
      }
      const read = () => watchSecret(identity, at, heard, life.signal)
      const secret = await whenAnswered(read, parts)
      watched.push(secret)
      life.onClose(`secret ${path}`, () => secret[Symbol.asyncDispose]())
      return secret
    },
    addLease: (lease, msLeft) => void leases.set(lease, msLeft),
  }
}

/** Asks again while nobody answers. */
export async function whenAnswered<T>(
  ask: () => Promise<T>,
  { life, logger }: Pick<ServiceParts, 'life' | 'logger'>,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await ask()
    } catch (error) {
      life.signal.throwIfAborted()
      if (!isConnectivity(error)) throw error
      logger.warn({ err: error }, 'no credentials yet; trying again')
      await sleep(pauseMs, undefined, { signal: life.signal })
    }
  }
}

function worstOf(watched: readonly WatchedSecret[]): string {
  const states = watched.map(({ state }) => state)
  return (['withdrawn', 'stale'] as const).find((state) => states.includes(state)) ?? 'current'
}

/** Requests and reads are for the metrics alone. */
function tell(logger: Logger, event: VaultEvent): void {
  if (event.kind === 'alert') logger.error(event, 'a wrapping token was opened by somebody else')
  if (event.kind === 'server') logger.warn(event, event.up ? 'Vault is back' : 'Vault is away')
  if (event.kind === 'authority') logger.warn(event, `file of Vault's authority: ${event.state}`)
  if (event.kind !== 'token' && event.kind !== 'lease') return
  const level = TROUBLE.has(event.state) ? 'warn' : 'info'
  logger[level](event, event.kind === 'token' ? 'token of Vault' : 'database user of Vault')
}

const TROUBLE: ReadonlySet<string> = new Set(['refused', 'failed', 'lapsed'])
