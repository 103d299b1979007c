import type { Server } from 'node:https'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import { createLiveKeyring } from '@usdcop/service/live-keyring'
import type { Logger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { openAuthority } from '@usdcop/vault/authority'
import { textOfFile } from '@usdcop/vault/credential-sources'
import type { VaultEvent } from '@usdcop/vault/events'
import { createIdentity } from '@usdcop/vault/identity'
import { createSecretIdKeeper } from '@usdcop/vault/secret-id-keeper'
import { createVaultServer } from '@usdcop/vault/vault-server'
import { buildAdminApp } from './admin-app.ts'
import { buildApp } from './app.ts'
import { createAudit } from './audit.ts'
import { createCallerSecrets } from './caller-secrets.ts'
import { BROKER, parseCallers } from './callers.ts'
import { createCertificateEnds } from './certificate-ends.ts'
import type { Config } from './config.ts'
import { watchHoldings } from './holdings.ts'
import { createIssuer } from './issuer.ts'
import { keepTls, readTls, tellOfTls } from './live-tls.ts'
import { createBrokerMetrics } from './metrics.ts'
import { watchOperators } from './operators.ts'
import { redisRotationOf } from './redis-rotation/from-config.ts'
import { tellOfRotations } from './redis-rotation/telling.ts'
import { tlsOptions } from './tls.ts'

/**
 * Opens what a configuration names, listens, and leaves the closing to the lifecycle: first nobody is let in any more,
 * then the callers' tokens are revoked, then the broker's own.
 */
export async function serve(config: Config, life: Lifecycle, logger: Logger): Promise<void> {
  const { vault, host, port, hosts, limits, wrapTtlSeconds, secretIdTtlSeconds } = config
  const callers = parseCallers(await textOfFile(config.callersFile, life.signal))
  await vault.folder?.check()
  const registry = createRegistry(BROKER)
  const certificates = createCertificateEnds(registry)
  const files = config.tls && (await readTls(config.tls, life.signal))
  addProcessMetrics(registry)
  const metrics = createBrokerMetrics(registry)
  const observe = (event: VaultEvent) => {
    metrics.observe(event)
    if (event.kind === 'alert') logger.error(event, 'a wrapping token was opened by somebody else')
    if (event.kind === 'secret_id') logger.info(event, `own secret id: ${event.state}`)
    if (event.kind === 'server') logger.warn(event, event.up ? 'Vault is back' : 'Vault is away')
    if (event.kind === 'authority') logger.warn(event, `file of Vault's authority: ${event.state}`)
  }
  const { address: vaultAddress, namespace, timeoutMs, caFile } = vault
  const reading = { signal: life.signal, observe }
  const ca = caFile === undefined ? undefined : await openAuthority(caFile, reading)
  const to = { address: vaultAddress, namespace, timeoutMs, tls: { ca } }
  const server = createVaultServer({ ...to, observe })
  life.onClose('connections to Vault', () => server[Symbol.asyncDispose]())
  const identity = createIdentity(server, { name: BROKER, source: vault.source })
  life.onClose('own token', () => identity[Symbol.asyncDispose]())
  if (vault.folder !== undefined) {
    const secretId = createSecretIdKeeper({ identity, folder: vault.folder })
    life.onClose('own secret id', () => secretId[Symbol.asyncDispose]())
    metrics.watchSecretId(() => secretId.msLeft())
  }
  const keyring = createLiveKeyring({ keys: config.apiKeys, logger, registry })
  const { apiKeysSecret: path } = config
  if (path !== undefined) {
    const at = { mount: vault.mount, path, ttlMs: vault.ttlMs }
    watchOperators({ identity, at, keyring, life, logger })
  }
  const issuer = createIssuer({ identity, wrapTtlSeconds, secretIdTtlSeconds })
  const { ttlMs, maxStaleMs, mount } = vault
  const secrets = createCallerSecrets({ server, issuer, ttlMs, maxStaleMs })
  life.onClose('tokens of callers', () => secrets[Symbol.asyncDispose]())
  metrics.watchTokens(
    () => new Map([...secrets.tokensMsLeft(), [BROKER, identity.tokenMsLeft()] as const]),
  )
  watchHoldings(registry, { issuer, secrets })
  const audit = createAudit(logger)
  const redisRotation =
    config.redisRotation &&
    redisRotationOf(config.redisRotation, {
      identity,
      mount,
      tell: tellOfRotations({ audit, metrics }, config.redisRotation.path),
    })
  if (redisRotation !== undefined) {
    life.onClose('rotation of Redis', () => redisRotation[Symbol.asyncDispose]())
    metrics.watchRedis(redisRotation)
  }
  const shared = { logger, metrics, audit, callers, secrets, keyring, redisRotation }
  const now = () => performance.now()
  const app = buildApp({
    ...shared,
    registry,
    issuer,
    certificates,
    mount,
    server,
    identity,
    bindHost: host,
    hosts,
    limits,
    tls: files && tlsOptions(files),
    now,
  })
  if (config.tls !== undefined && files !== undefined) {
    const live = keepTls({
      server: app.server as Server,
      paths: config.tls,
      files,
      tell: tellOfTls({ logger, metrics, certificates }),
    })
    life.onClose('certificates', () => live[Symbol.asyncDispose]())
  }
  if (path !== undefined || config.apiKeys.some(({ role }) => role === 'admin')) {
    const admin = buildAdminApp(shared)
    life.onClose('admin http', () => admin.close())
    const address = await admin.listen({ host: '127.0.0.1', port: config.adminPort })
    logger.info({ adminAddress: address }, 'operators may come in')
  }
  life.onClose('http', () => app.close())
  const address = await app.listen({ host, port })
  const byCertificate = config.tls?.clientCaFile !== undefined
  logger.info({ address, byCertificate, callers: callers.all.length }, 'brokering identities')
}
