import type { Database } from '@usdcop/database/database'
import type { Registry as FeatureRegistry } from '@usdcop/feast/registry/definitions'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { createCalendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import { createApp } from '@usdcop/service/app'
import { guardReads, type Keyring, requireRole } from '@usdcop/service/auth'
import type { DomainClock } from '@usdcop/service/clock'
import type { Probe } from '@usdcop/service/health'
import type { Logger } from '@usdcop/service/log'
import { traceRequests } from '@usdcop/tracing/requests'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { createIngest, type Ingest } from './ingest.ts'
import { createMaterializerMetrics } from './metrics.ts'
import type { OfflineWriter } from './offline.ts'
import { followOutbox } from './online-writer.ts'
import { barsRoute } from './routes/bars.ts'
import { macroRoute } from './routes/macro.ts'
import { statusRoute } from './routes/status.ts'
import { keepSealing } from './sealer.ts'
import { createSqlStore } from './sql-store.ts'
import { createStatusReader } from './status.ts'

export interface Deps {
  readonly contract: Contract
  readonly clock: DomainClock
  readonly db: Database
  readonly online: OnlineStore
  readonly offline: OfflineWriter
  /** The project whose views the online writer fills. */
  readonly features: FeatureRegistry
  readonly keyring: Keyring
  /** Asked by `/readyz` beside its own. */
  readonly probes?: Readonly<Record<string, Probe>> | undefined
  /** Where the caller will listen; reads are open on loopback alone. */
  readonly bindHost: string
  readonly logger: Logger
  readonly registry: Registry
}

export interface Materializer {
  readonly app: FastifyInstance
  /** The way in for sources in this process; the routes use the same. */
  readonly ingest: Ingest
  /** Settles once the outbox and the seals are no longer followed. */
  readonly stopped: Promise<unknown>
}

/** 10,000 bars of JSON with room to spare. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024

/**
 * The materializer: it follows its outbox and seals sessions from now until `signal`, and takes bars
 * and macro values through `ingest` and over HTTP. To close: close the app, abort the signal, await
 * `stopped`.
 */
export function buildApp(deps: Deps, signal: AbortSignal): Materializer {
  const { contract, clock, db, online, offline, features, keyring, bindHost, logger, registry } =
    deps
  const { definitionHash } = contract
  const calendar = createCalendar(contract)
  const metrics = createMaterializerMetrics(registry)
  const sealing = keepSealing(
    { db, offline, calendar, clock, definitionHash },
    { logger, onSealed: (sessions) => metrics.sealed.inc(sessions) },
    signal,
  )
  const ingest = createIngest({
    contract,
    store: createSqlStore(db, definitionHash),
    clock,
    metrics,
    // A session can be over only when its last bar, or the first of another, has come.
    onCommitted(accepted) {
      if (accepted.some(({ row }) => row.timeNormalized === 1 || row.timeNormalized === 0))
        sealing.wake()
    },
  })
  const following = followOutbox({ db, store: online, registry: features }, logger, signal)

  const probes = {
    database: (until: AbortSignal) => db.query('select 1', [], until),
    online_store: (until: AbortSignal) => online.ping(until),
    ...deps.probes,
  }
  const mayRead = guardReads(keyring, bindHost)
  const app = createApp({ logger, registry, probes, mayRead, bodyLimitBytes: BODY_LIMIT_BYTES })
  traceRequests(app)
  const mayWrite = requireRole(keyring, 'writer')
  barsRoute(app, { ingest, mayWrite })
  macroRoute(app, { ingest, mayWrite, series: contract.definition.macro.series })
  const status = createStatusReader(db, definitionHash)
  statusRoute(app, { status, mayRead })
  return { app, ingest, stopped: Promise.all([following, sealing.stopped]) }
}
