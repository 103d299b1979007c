import { readFile } from 'node:fs/promises'
import { createKeyring } from '@usdcop/service/auth'
import { ServiceError } from '@usdcop/service/errors'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { createIdentity } from '@usdcop/vault/identity'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { buildAdminApp } from './admin-app.ts'
import { buildApp } from './app.ts'
import { createAudit } from './audit.ts'
import { createCallerSecrets } from './caller-secrets.ts'
import { BROKER, parseCallers } from './callers.ts'
import type { Config } from './config.ts'
import { watchHoldings } from './holdings.ts'
import { createIssuer } from './issuer.ts'
import { createBrokerMetrics } from './metrics.ts'
import { tlsOptions } from './tls.ts'

/**
 * Opens what a configuration names, listens, and leaves the closing to the lifecycle: first nobody is let in any more,
 * then the callers' tokens are revoked, then the broker's own.
 */
export async function serve(config: Config, life: Lifecycle, logger: Logger): Promise<void> {
  const { vault, host, port, hosts, limits, wrapTtlSeconds, secretIdTtlSeconds } = config
  const callers = parseCallers(await textOf(config.callersFile))
  const keyring = createKeyring(config.apiKeys)
  const files = config.tls && (await readTls(config.tls))
  const tls = files && tlsOptions(files)
  const registry = createRegistry(BROKER)
  addProcessMetrics(registry)
  const metrics = createBrokerMetrics(registry)
  const server = createVaultServer({
    address: vault.address,
    namespace: vault.namespace,
    timeoutMs: vault.timeoutMs,
    tls: { ca: vault.caFile === undefined ? undefined : await textOf(vault.caFile) },
    observe(event) {
      metrics.observe(event)
      if (event.kind === 'alert')
        logger.error(event, 'a wrapping token was opened by somebody else')
      if (event.kind === 'server') logger.warn(event, event.up ? 'Vault is back' : 'Vault is away')
    },
  })
  life.onClose('connections to Vault', () => server[Symbol.asyncDispose]())
  const identity = createIdentity(server, { name: BROKER, source: vault.source })
  life.onClose('own token', () => identity[Symbol.asyncDispose]())
  const issuer = createIssuer({ identity, wrapTtlSeconds, secretIdTtlSeconds })
  const { ttlMs, maxStaleMs, mount } = vault
  const secrets = createCallerSecrets({ server, issuer, ttlMs, maxStaleMs })
  life.onClose('tokens of callers', () => secrets[Symbol.asyncDispose]())
  metrics.watchTokens(
    () => new Map([...secrets.tokensMsLeft(), [BROKER, identity.tokenMsLeft()] as const]),
  )
  watchHoldings(registry, { issuer, secrets, files, wallNow: () => Date.now() })
  const shared = { logger, metrics, audit: createAudit(logger), callers, secrets, keyring }
  const now = () => performance.now()
  const app = buildApp({
    ...shared,
    registry,
    issuer,
    mount,
    server,
    identity,
    bindHost: host,
    hosts,
    limits,
    tls,
    now,
  })
  if (config.apiKeys.some(({ role }) => role === 'admin')) {
    const admin = buildAdminApp(shared)
    life.onClose('admin http', () => admin.close())
    const address = await admin.listen({ host: '127.0.0.1', port: config.adminPort })
    logger.info({ adminAddress: address }, 'operators may come in')
  }
  life.onClose('http', () => app.close())
  const address = await app.listen({ host, port })
  const certificates = config.tls?.clientCaFile !== undefined
  logger.info({ address, certificates, callers: callers.all.length }, 'brokering identities')
}

async function readTls(files: NonNullable<Config['tls']>) {
  const { clientCaFile, clientCrlFile } = files
  return {
    certificate: await textOf(files.certificateFile),
    key: await textOf(files.keyFile),
    clientCa: clientCaFile === undefined ? undefined : await textOf(clientCaFile),
    clientCrl: clientCrlFile === undefined ? undefined : await textOf(clientCrlFile),
  }
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new ServiceError('config_invalid', `${path} cannot be read (${code})`)
  }
}
