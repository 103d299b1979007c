import { defineFeatures } from '@usdcop/feature-repo/features'
import { buildApp as buildFeatureServer } from '@usdcop/feature-server/app'
import { buildApp as buildGateway } from '@usdcop/inference-gateway/app'
import type { StatusSource } from '@usdcop/inference-gateway/console/status'
import type { Consumer } from '@usdcop/inference-gateway/consumer'
import { openFeatureServer } from '@usdcop/inference-gateway/features/client'
import { createHttpSource } from '@usdcop/inference-gateway/features/http-source'
import { createHttpStateSink } from '@usdcop/inference-gateway/features/push'
import type { Policy } from '@usdcop/inference-gateway/model/run'
import { rulesOf } from '@usdcop/inference-gateway/rules'
import { createSqlBars } from '@usdcop/inference-gateway/sql/bars'
import { createSqlLedger } from '@usdcop/inference-gateway/sql/ledger'
import { createSqlOutbox } from '@usdcop/inference-gateway/sql/outbox'
import { buildApp as buildMaterializer } from '@usdcop/materializer/app'
import type { Ingest } from '@usdcop/materializer/ingest'
import type { Contract } from '@usdcop/observation/contract'
import { assertMayBind, createKeyring } from '@usdcop/service/auth'
import type { DomainClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import { LOOPBACK_NAMES } from '@usdcop/service/host-check'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import { addProcessMetrics, createRegistry } from '@usdcop/service/metrics'
import type { FastifyInstance } from 'fastify'
import type { Config } from './config.ts'
import type { LocalKey } from './keys.ts'
import { PORT_VARIABLES, portFault } from './ports.ts'
import type { Stores } from './stores.ts'

/** The gateway asks a feature server in this very process, so a late answer is a fault. */
const FEATURE_DEADLINE_MS = 1_000

export interface ServicesDeps {
  readonly config: Config
  readonly contract: Contract
  readonly clock: DomainClock
  readonly stores: Stores
  readonly policy: Policy | undefined
  readonly status: StatusSource
  readonly symbol: string
  readonly keys: { readonly writer: LocalKey; readonly gateway: LocalKey }
  readonly logger: Logger
}

export interface Services {
  readonly ingest: Ingest
  readonly consumer: Consumer
  readonly urls: {
    readonly featureServer: string
    readonly materializer: string
    readonly gateway: string
  }
}

/** The three services, wired as containers would be: they meet in the stores and over HTTP. */
export async function startServices(deps: ServicesDeps, life: Lifecycle): Promise<Services> {
  const { config, contract, clock, stores, keys, logger } = deps
  const { host, ports } = config
  const keyring = createKeyring([keys.writer.key, keys.gateway.key])
  assertMayBind(host, keyring)
  const features = defineFeatures(contract)
  const rules = rulesOf(contract)
  const shared = { contract, clock, keyring, bindHost: host }

  const serving = createRegistry('feature-server')
  addProcessMetrics(serving)
  const featureServer = buildFeatureServer({
    ...shared,
    logger: logger.child({ service: 'feature-server' }),
    metrics: serving,
    registry: { current: features },
    store: stores.online,
    serving: 'mark',
  })
  life.onClose('feature server', () => featureServer.close())
  const featureServerUrl = await listen(
    featureServer,
    host,
    ports.featureServer,
    PORT_VARIABLES.featureServer,
  )

  const materializer = buildMaterializer(
    {
      ...shared,
      db: stores.db,
      online: stores.online,
      offline: stores.offline,
      features,
      logger: logger.child({ service: 'materializer' }),
      registry: createRegistry('materializer'),
    },
    life.signal,
  )
  life.onClose('outbox and seals', () => materializer.stopped)
  life.onClose('materializer', () => materializer.app.close())
  const materializerUrl = await listen(
    materializer.app,
    host,
    ports.materializer,
    PORT_VARIABLES.materializer,
  )

  const featureClient = openFeatureServer(
    { url: featureServerUrl, deadlineMs: FEATURE_DEADLINE_MS, key: keys.gateway.token },
    rules.features,
  )
  life.onClose('feature client', () => featureClient.close())
  const gateway = await buildGateway(
    {
      ...shared,
      features: createHttpSource(featureClient, rules.features),
      state: createHttpStateSink(featureClient),
      policy: deps.policy,
      ledger: createSqlLedger(stores.db),
      outbox: createSqlOutbox(stores.db, life.signal),
      bars: createSqlBars(stores.db),
      status: deps.status,
      symbol: deps.symbol,
      hostNames: LOOPBACK_NAMES,
      logger: logger.child({ service: 'inference-gateway' }),
      registry: createRegistry('inference-gateway'),
    },
    life.signal,
  )
  life.onClose('consumer', () => gateway.consumer.stopped)
  life.onClose('gateway', () => gateway.app.close())
  const gatewayUrl = await listen(gateway.app, host, ports.gateway, PORT_VARIABLES.gateway)

  return {
    ingest: materializer.ingest,
    consumer: gateway.consumer,
    urls: { featureServer: featureServerUrl, materializer: materializerUrl, gateway: gatewayUrl },
  }
}

/** @throws ServiceError `config_invalid` naming the variable: somebody was faster than `assertPortsFree` */
async function listen(
  app: FastifyInstance,
  host: string,
  port: number,
  variable: string,
): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    throw new ServiceError('config_invalid', portFault(error, { host, port }, variable))
  }
}
