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
import { type Lifecycle, runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { attachTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'
import { buildApp } from './app.ts'
import { type Config, readConfig } from './config.ts'

const logger = createLogger({ name: 'feature-server', level: 'info', mixin: traceFields })

await runService({ logger, start })

async function start(life: Lifecycle): Promise<void> {
  attachTracing(life, logger)
  const config = readConfig(process.env)
  logger.level = config.logLevel
  const keyring = createKeyring(config.apiKeys)
  assertMayBind(config.host, keyring)
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const registry = defineFeatures(contract)
  const store = openStore(config, registry.project, life)
  const metrics = createRegistry('feature-server')
  addProcessMetrics(metrics)
  const { serving, host, port, limits } = config
  const clock = config.clock ? marketClock(config.clock, contract, wallClock) : wallClock
  const source = { current: registry }
  const deps = { logger, metrics, registry: source, store, clock, serving, keyring, limits }
  const app = buildApp({ ...deps, bindHost: host })
  life.onClose('http', () => app.close())
  const address = await app.listen({ host, port })
  logger.info({ address, serving, definitionHash: contract.definitionHash }, 'serving features')
}

function openStore(
  { redisUrl, dataDirectory }: Config,
  project: string,
  life: Lifecycle,
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
