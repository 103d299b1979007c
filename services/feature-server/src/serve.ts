import cluster from 'node:cluster'
import { readFile } from 'node:fs/promises'
import { openKeyring } from '@usdcop/connections/keys'
import { openOnlineStore } from '@usdcop/connections/online-store'
import { openVaultOf, type Vault } from '@usdcop/connections/vault'
import type { AuthConfig } from '@usdcop/feast/config/repo-config'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { assertMayBind } from '@usdcop/service/auth'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { addProcessMetrics } from '@usdcop/service/metrics'
import { createOidcReader, type OidcSettings } from '@usdcop/service/oidc'
import type { Registry } from 'prom-client'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { openClock, readContract } from './domain-clock.ts'
import type { openRepository, ServedRepository } from './repository.ts'
import { serveAsWorker } from './workers.ts'

/** Opens what a configuration names, listens, and leaves the closing to the lifecycle. */
export async function serve(
  config: Config,
  life: Lifecycle,
  logger: Logger,
  metrics: Registry,
): Promise<void> {
  const vault = await openVaultOf(config, {
    name: 'feature-server',
    life,
    logger,
    registry: metrics,
  })
  const keyring = await openKeyring(config, { vault, logger, registry: metrics })
  const { serving, host, port, limits } = config
  const { registry, store, auth, ...ports } =
    config.repository === undefined
      ? await openOwn(config, { vault, life, logger })
      : await openServed(config.repository, life, logger)
  const oidc: OidcConfig | undefined = config.oidc ?? oidcOf(auth)
  if (oidc === undefined) assertMayBind(host, keyring)
  const readToken = oidc && createOidcReader(await withCertificates(oidc))
  addProcessMetrics(metrics)
  const metricsText = cluster.isWorker ? serveAsWorker(life, metrics) : undefined
  const clock = await openClock(config)
  const parts = { logger, metrics, metricsText, registry, store, clock, serving, ...ports }
  const app = buildApp({
    ...parts,
    probes: vault?.probes,
    keyring,
    readToken,
    bindHost: host,
    limits,
  })
  life.onClose('http', () => app.close())
  const address = await app.listen({ host, port })
  const { project } = registry.current
  logger.info({ address, serving, project }, 'serving features')
}

/** Loaded only here: what reads and writes a repository's files is half of what there is to load. */
const openServed: typeof openRepository = async (...parts) =>
  await (await import('./repository.ts')).openRepository(...parts)

interface OwnParts {
  readonly vault: Vault | undefined
  readonly life: Lifecycle
  readonly logger: Logger
}

/** This platform's own features, as the contract names them. */
async function openOwn(config: Config, parts: OwnParts): Promise<ServedRepository> {
  const registry = defineFeatures(await readContract(config))
  const store = await openOnlineStore(config, { ...parts, project: registry.project })
  return { registry: { current: registry }, store, auth: { type: 'no_auth' } }
}

type OidcConfig = NonNullable<Config['oidc']> &
  Partial<Pick<OidcSettings, 'verifySsl' | 'jwksCacheMs' | 'timeoutMs'>>

function oidcOf(auth: AuthConfig): OidcConfig | undefined {
  return auth.type === 'oidc' ? { ...auth, caFile: auth.caCertPath } : undefined
}

async function withCertificates({ caFile, verifySsl = true, ...settings }: OidcConfig) {
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
  return { ...settings, verifySsl, ca }
}
