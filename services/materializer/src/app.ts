import type { Contract } from '@usdcop/observation/contract'
import { createApp } from '@usdcop/service/app'
import { guardReads, type Keyring, requireRole } from '@usdcop/service/auth'
import type { Probe } from '@usdcop/service/health'
import type { Logger } from '@usdcop/service/log'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { Ingest } from './ingest.ts'
import { barsRoute } from './routes/bars.ts'
import { macroRoute } from './routes/macro.ts'
import { type StatusReader, statusRoute } from './routes/status.ts'

export interface Deps {
  readonly contract: Contract
  readonly ingest: Ingest
  readonly status: StatusReader
  readonly keyring: Keyring
  /** Where the app will listen; reads are open on loopback alone. */
  readonly bindHost: string
  readonly probes: Readonly<Record<string, Probe>>
  readonly logger: Logger
  readonly registry: Registry
}

/** 10,000 bars of JSON with room to spare. */
const BODY_LIMIT_BYTES = 4 * 1024 * 1024

/** The materializer over HTTP: `POST /v1/bars`, `POST /v1/macro`, `GET /v1/status`. */
export function buildApp(deps: Deps): FastifyInstance {
  const { contract, ingest, status, keyring, bindHost, probes, logger, registry } = deps
  const app = createApp({ logger, registry, probes, bodyLimitBytes: BODY_LIMIT_BYTES })
  const mayWrite = requireRole(keyring, 'writer')
  barsRoute(app, { ingest, mayWrite })
  macroRoute(app, { ingest, mayWrite, series: contract.definition.macro.series })
  statusRoute(app, { status, mayRead: guardReads(keyring, bindHost) })
  return app
}
