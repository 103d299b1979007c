import { readFile } from 'node:fs/promises'
import { migrate } from '@usdcop/database/migrate'
import { openPglite } from '@usdcop/database/pglite'
import { openPostgres } from '@usdcop/database/postgres'
import { parseContract } from '@usdcop/observation/contract'
import { assertMayBind, createKeyring } from '@usdcop/service/auth'
import { wallClock } from '@usdcop/service/clock'
import { LOOPBACK_NAMES } from '@usdcop/service/host-check'
import { type Lifecycle, runService } from '@usdcop/service/lifecycle'
import { createLogger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { liveStatus } from './console/status.ts'
import { createHttpSource } from './features/http-source.ts'
import { createHttpStateSink } from './features/push.ts'
import { loadPolicyFrom } from './model/load.ts'
import { rulesOf } from './rules.ts'
import { createSqlBars } from './sql/bars.ts'
import { createSqlLedger } from './sql/ledger.ts'
import { createSqlOutbox } from './sql/outbox.ts'

const config = readConfig(process.env)
const logger = createLogger({ name: 'inference-gateway', level: config.logLevel })

async function start(life: Lifecycle): Promise<void> {
  const keyring = createKeyring(config.apiKeys)
  assertMayBind(config.host, keyring)
  const registry = createRegistry('inference-gateway')
  addProcessMetrics(registry)
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const rules = rulesOf(contract)

  const database =
    'url' in config.database
      ? await openPostgres(config.database, life.signal)
      : await openPglite(config.database.directory, life.signal)
  life.onClose('database', () => database.close())
  await migrate(database, life.signal)

  const policy = await loadPolicyFrom(config.modelDirectory, rules.model, life.signal)
  life.onClose('model', () => policy.close())

  const { app, consumer } = await buildApp(
    {
      contract,
      clock: wallClock,
      features: createHttpSource(config.featureServer, rules.features),
      state: createHttpStateSink(config.featureServer),
      policy,
      ledger: createSqlLedger(database),
      outbox: createSqlOutbox(database, life.signal),
      bars: createSqlBars(database),
      status: liveStatus(wallClock),
      symbol: config.consoleSymbol,
      keyring,
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

await runService({ logger, start })
