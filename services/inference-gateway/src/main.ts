import { readFile } from 'node:fs/promises'
import { openDatabase } from '@usdcop/connections/database'
import { openKeyring, openText } from '@usdcop/connections/keys'
import { openVaultOf, type Vault } from '@usdcop/connections/vault'
import type { Database } from '@usdcop/database/database'
import { migrate } from '@usdcop/database/migrate'
import { parseContract } from '@usdcop/observation/contract'
import { marketClock } from '@usdcop/observation/market-clock'
import { assertMayBind } from '@usdcop/service/auth'
import { wallClock } from '@usdcop/service/clock'
import { lockDirectory } from '@usdcop/service/data-directory'
import { LOOPBACK_NAMES } from '@usdcop/service/host-check'
import { type Lifecycle, runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { attachTracing } from '@usdcop/tracing/lifetime'
import { traceFields } from '@usdcop/tracing/log-fields'
import { buildApp } from './app.ts'
import { type Config, readConfig } from './config.ts'
import { demoStatus, liveStatus } from './console/status.ts'
import { type FeatureServer, openFeatureServer } from './features/client.ts'
import { createHttpSource } from './features/http-source.ts'
import { createHttpStateSink } from './features/push.ts'
import { loadPolicyFrom } from './model/load.ts'
import { rulesOf } from './rules.ts'
import { createSqlBars } from './sql/bars.ts'
import { createSqlLedger } from './sql/ledger.ts'
import { createSqlOutbox } from './sql/outbox.ts'

const logger = createLogger({ name: 'inference-gateway', level: 'info', mixin: traceFields })

await runService({ logger, start })

async function start(life: Lifecycle): Promise<void> {
  attachTracing(life, logger)
  const config = readConfig(process.env)
  logger.level = config.logLevel
  const registry = createRegistry('inference-gateway')
  addProcessMetrics(registry)
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const rules = rulesOf(contract)
  const demo = config.clock && marketClock(config.clock, contract, wallClock)

  const vault = await openVaultOf(config, { name: 'inference-gateway', life, logger, registry })
  const keyring = await openKeyring(config, { vault, logger, registry })
  assertMayBind(config.host, keyring)
  const database = await openOwnDatabase(config, life, vault)
  await migrate(database, life.signal)

  const policy = await loadPolicyFrom(config.modelDirectory, rules.model, life.signal)
  life.onClose('model', () => policy.close())

  const features = openFeatureServer(await featureServerOf(config, vault), rules.features)
  life.onClose('feature client', () => features.close())

  const { app, consumer } = await buildApp(
    {
      contract,
      clock: demo ?? wallClock,
      features: createHttpSource(features, rules.features),
      state: createHttpStateSink(features),
      policy,
      ledger: createSqlLedger(database),
      outbox: createSqlOutbox(database, life.signal),
      bars: createSqlBars(database),
      status: demo ? demoStatus(demo, config.clock.speed) : liveStatus(wallClock),
      symbol: config.consoleSymbol,
      keyring,
      probes: vault?.probes,
      bindHost: config.host,
      hostNames: [...LOOPBACK_NAMES, ...config.consoleHostNames],
      logger,
      registry,
    },
    life.signal,
  )
  life.onClose('consumer', () => consumer.stopped)
  life.onClose('http', () => app.close())
  await app.listen({ host: config.host, port: config.port })
}

/** Embedded, it is in a data directory that has one owner. */
async function openOwnDatabase(config: Config, life: Lifecycle, vault?: Vault): Promise<Database> {
  if (config.databaseUrl === undefined) {
    const directory = await lockDirectory(config.dataDirectory)
    life.onClose('data directory', () => directory[Symbol.asyncDispose]())
  }
  return await openDatabase(config, { vault, life, logger })
}

async function featureServerOf(
  { featureServer, featureServerKeySecret: path }: Config,
  vault?: Vault,
): Promise<FeatureServer> {
  if (path === undefined || vault === undefined) return featureServer
  const key = await openText(vault, { path, field: 'feature_server_key' }, logger)
  return { ...featureServer, key }
}
