import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '@usdcop/database/database'
import { migrate } from '@usdcop/database/migrate'
import { openPglite } from '@usdcop/database/pglite'
import { openPostgresWhenUp } from '@usdcop/database/postgres-start'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { connectRedis, createRedisStore } from '@usdcop/feast/stores/redis-store'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { parseContract } from '@usdcop/observation/contract'
import { marketClock } from '@usdcop/observation/market-clock'
import { openOfflineStore } from '@usdcop/offline-store/seal'
import { assertMayBind, createKeyring } from '@usdcop/service/auth'
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
  const keyring = createKeyring(config.apiKeys)
  assertMayBind(host, keyring)
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const { definitionHash } = contract
  const features = defineFeatures(contract)
  const registry = createRegistry('materializer')
  addProcessMetrics(registry)
  const stores = await openStores(config, features.project, life)
  const { app, stopped } = buildApp(
    {
      contract,
      clock: config.clock ? marketClock(config.clock, contract, wallClock) : wallClock,
      db: stores.db,
      online: stores.online,
      offline: createOfflineWriter(stores.files, contract, Date.now),
      features,
      keyring,
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

async function openStores(config: Config, project: string, life: Lifecycle) {
  const { dataDirectory } = config
  // Parquet is written here whatever servers are given, and a directory has one writer.
  const directory = await lockDirectory(dataDirectory)
  life.onClose('data directory', () => directory[Symbol.asyncDispose]())
  const db = await openDatabase(config, life)
  await migrate(db, life.signal)
  const online = openOnlineStore(config, project, life)
  const files = await openOfflineStore(join(dataDirectory, 'offline'), life.signal)
  life.onClose('offline store', () => files[Symbol.asyncDispose]())
  return { db, online, files }
}

async function openDatabase(
  { databaseUrl, dataDirectory }: Config,
  life: Lifecycle,
): Promise<Database> {
  const database =
    databaseUrl === undefined
      ? await openPglite(join(dataDirectory, 'database'), life.signal)
      : await openPostgresWhenUp({ url: databaseUrl }, waitForDatabase, life.signal)
  life.onClose('database', () => database.close())
  return database
}

function openOnlineStore(
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

function waitForDatabase(error: Error): void {
  logger.warn({ err: error }, 'the database is not up; trying again')
}
