import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '@usdcop/connections/database'
import { openKeyring } from '@usdcop/connections/keys'
import { openOnlineStore } from '@usdcop/connections/online-store'
import { openVaultOf, type Vault } from '@usdcop/connections/vault'
import { migrate } from '@usdcop/database/migrate'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { marketClock } from '@usdcop/observation/market-clock'
import { openOfflineStore } from '@usdcop/offline-store/seal'
import { assertMayBind } from '@usdcop/service/auth'
import { wallClock } from '@usdcop/service/clock'
import { lockDirectory } from '@usdcop/service/data-directory'
import { type Lifecycle, runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { attachTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'
import { buildApp } from './app.ts'
import { type Config, readConfig } from './config.ts'
import { createOfflineWriter } from './offline.ts'

const logger = createLogger({ name: 'materializer', level: 'info', mixin: traceFields })

await runService({ logger, start })

async function start(life: Lifecycle): Promise<void> {
  attachTracing(life, logger)
  const config = readConfig(process.env)
  logger.level = config.logLevel
  const { host, port } = config
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const { definitionHash } = contract
  const features = defineFeatures(contract)
  const registry = createRegistry('materializer')
  addProcessMetrics(registry)
  const vault = await openVaultOf(config, { name: 'materializer', life, logger, registry })
  const keyring = await openKeyring(config, { vault, logger, registry })
  assertMayBind(host, keyring)
  const stores = await openStores(config, features.project, life, vault)
  const { app, stopped } = buildApp(
    {
      contract,
      clock: config.clock ? marketClock(config.clock, contract, wallClock) : wallClock,
      db: stores.db,
      online: stores.online,
      offline: createOfflineWriter(stores.files, contract, Date.now),
      features,
      keyring,
      probes: vault?.probes,
      bindHost: host,
      logger,
      registry,
    },
    life.signal,
  )
  life.onClose('outbox and seals', () => stopped)
  life.onClose('http', () => app.close())
  const address = await app.listen({ host, port })
  logger.info({ address, definitionHash }, 'taking bars')
}

async function openStores(config: Config, project: string, life: Lifecycle, vault?: Vault) {
  const { dataDirectory } = config
  // Parquet is written here whatever servers are given, and a directory has one writer.
  const directory = await lockDirectory(dataDirectory)
  life.onClose('data directory', () => directory[Symbol.asyncDispose]())
  const db = await openDatabase(config, { vault, life, logger })
  await migrate(db, life.signal)
  const online = await openOnlineStore(config, { project, vault, life, logger })
  const files = await openOfflineStore(join(dataDirectory, 'offline'), life.signal)
  life.onClose('offline store', () => files[Symbol.asyncDispose]())
  return { db, online, files }
}
