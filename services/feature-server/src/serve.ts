import cluster from 'node:cluster'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { marketClock } from '@usdcop/observation/market-clock'
import { assertMayBind, createKeyring } from '@usdcop/service/auth'
import { wallClock } from '@usdcop/service/clock'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { addProcessMetrics } from '@usdcop/service/metrics'
import { createOidcReader } from '@usdcop/service/oidc'
import type { Registry } from 'prom-client'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'
import { serveAsWorker } from './workers.ts'

/** Opens what a configuration names, listens, and leaves the closing to the lifecycle. */
export async function serve(
  config: Config,
  life: Lifecycle,
  logger: Logger,
  metrics: Registry,
): Promise<void> {
  const keyring = createKeyring(config.apiKeys)
  const { oidc, serving, host, port, limits } = config
  if (oidc === undefined) assertMayBind(host, keyring)
  const readToken = oidc && createOidcReader(await withCertificates(oidc))
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const registry = defineFeatures(contract)
  const store = openStore(config, registry.project, life, logger)
  addProcessMetrics(metrics)
  const metricsText = cluster.isWorker ? serveAsWorker(life, metrics) : undefined
  const clock = config.clock ? marketClock(config.clock, contract, wallClock) : wallClock
  const source = { current: registry }
  const parts = { logger, metrics, metricsText, registry: source, store, clock, serving }
  const app = buildApp({ ...parts, keyring, readToken, bindHost: host, limits })
  life.onClose('http', () => app.close())
  const address = await app.listen({ host, port })
  logger.info({ address, serving, definitionHash: contract.definitionHash }, 'serving features')
}

type OidcConfig = NonNullable<Config['oidc']>

async function withCertificates({ caFile, ...settings }: OidcConfig) {
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8')
  return { ...settings, verifySsl: true, ca }
}

function openStore(
  { redisUrl, dataDirectory }: Config,
  project: string,
  life: Lifecycle,
  logger: Logger,
): OnlineStore {
  if (redisUrl === undefined) {
    const store = openLmdbStore(join(dataDirectory, 'online'), project)
    life.onClose('online store', () => store.close())
    return store
  }
  const client = connectRedis(redisUrl, (error) => logger.warn({ err: error }, 'redis'))
  life.onClose('redis', () => client.disconnect())
  return createRedisStore(client, project)
}
