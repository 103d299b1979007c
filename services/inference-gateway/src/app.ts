import { createCalendar } from '@usdcop/observation/calendar'
import type { Contract } from '@usdcop/observation/contract'
import { createApp } from '@usdcop/service/app'
import { guardReads, type Keyring, requireRole } from '@usdcop/service/auth'
import type { DomainClock } from '@usdcop/service/clock'
import type { Probe } from '@usdcop/service/health'
import { checkHost } from '@usdcop/service/host-check'
import type { Logger } from '@usdcop/service/log'
import { traceRequests } from '@usdcop/tracing/requests'
import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import { createAsk } from './ask.ts'
import { ConsoleFeed } from './console/feed.ts'
import { guardConsole } from './console/guard.ts'
import { consoleRoutes, EVENTS } from './console/routes.ts'
import type { BarHistory } from './console/snapshot.ts'
import type { StatusSource } from './console/status.ts'
import { type Consumer, startConsumer } from './consumer.ts'
import type { Decided } from './decide.ts'
import type { FeatureSource, StateSink } from './features/source.ts'
import { followOutbox } from './follow.ts'
import type { Ledger } from './ledger.ts'
import { countDecision, createGatewayMetrics, type GatewayMetrics } from './metrics.ts'
import type { Policy } from './model/run.ts'
import type { Outbox } from './outbox.ts'
import { repairPushes } from './repair.ts'
import { accountRoutes } from './routes/account.ts'
import { decisionRoutes } from './routes/decisions.ts'
import { rulesOf } from './rules.ts'

export interface Deps {
  readonly contract: Contract
  readonly clock: DomainClock
  readonly features: FeatureSource
  readonly state: StateSink
  /** Undefined where none could be loaded: every bar is then refused as `model_unavailable`. */
  readonly policy: Policy | undefined
  readonly ledger: Ledger
  readonly outbox: Outbox
  readonly bars: BarHistory
  readonly status: StatusSource
  /** What the console shows. */
  readonly symbol: string
  readonly keyring: Keyring
  /** Asked by `/readyz` beside its own. */
  readonly probes?: Readonly<Record<string, Probe>> | undefined
  /** Where the caller will listen; reads are open on loopback only. */
  readonly bindHost: string
  /** Names a browser may reach the console by. */
  readonly hostNames: readonly string[]
  readonly logger: Logger
  readonly registry: Registry
}

export interface Gateway {
  readonly app: FastifyInstance
  readonly consumer: Consumer
}

/**
 * The gateway: it follows the outbox from now until `signal`, and answers when the caller lets the
 * app listen. To close: abort the signal, close the app, await `consumer.stopped`.
 */
export async function buildApp(deps: Deps, signal: AbortSignal): Promise<Gateway> {
  const { contract, clock, policy, ledger, outbox, keyring, logger, registry } = deps
  const rules = rulesOf(contract)
  const calendar = createCalendar(contract)
  const metrics = createGatewayMetrics(registry)
  const feed = new ConsoleFeed(deps.symbol, rules.execution)
  const decideDeps = { ...deps, rules, calendar }

  const consumer = startConsumer(
    {
      outbox,
      handle: followOutbox({
        ...decideDeps,
        onDecided(decided) {
          measure(metrics, decided)
          feed.publish(decided)
        },
      }),
      async prepare(lifetime) {
        // Nothing is decided on top of a chain that somebody has changed.
        await ledger.verify(lifetime)
        await repair(deps, lifetime)
      },
      onPending: (events) => metrics.lagEvents.set(events),
      onFailure: () => metrics.consumerFailures.inc(),
      logger,
    },
    signal,
  )

  const mayRead = guardReads(keyring, deps.bindHost)
  const app = createApp({
    logger,
    registry,
    mayRead,
    probes: {
      database: (until) => ledger.ping(until),
      outbox: () => consumer.probe(),
      model: probe(policy),
      ...deps.probes,
    },
  })
  traceRequests(app, [EVENTS])
  const mayWrite = requireRole(keyring, 'writer')
  const onRefused = countDecision.bind(undefined, metrics, 'request', 'no_action')
  const catchUp = (until: AbortSignal): Promise<void> => consumer.catchUp(until)
  const ask = createAsk(
    { contract, calendar, rules, clock, ledger, bars: deps.bars, policy, catchUp, onRefused },
    signal,
  )
  decisionRoutes(app, { ledger, ask, mayRead, mayWrite })
  accountRoutes(app, { ledger, execution: rules.execution, mayRead })
  await consoleRoutes(app, {
    ...deps,
    rules,
    feed,
    guards: [checkHost(deps.hostNames), guardConsole(keyring, mayRead)],
    onStreams: (open) => metrics.streams.set(open),
  })
  return { app, consumer }
}

/** The feature server may start after us; a copy that stays old must not keep us from deciding. */
async function repair({ ledger, state, logger }: Deps, signal: AbortSignal): Promise<void> {
  await repairPushes(ledger, state, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    logger.warn({ err: error }, 'the state was not pushed again; the next bar will mend it')
  })
}

function probe(policy: Policy | undefined): () => Promise<void> {
  return async () => {
    if (policy === undefined) throw new Error('no model is loaded')
  }
}

function measure(metrics: GatewayMetrics, { event, verdict, stages, step, pushed }: Decided): void {
  countDecision(metrics, 'bar', verdict.signal ?? 'no_action', verdict.reasons)
  for (const stage of ['features', 'model', 'ledger', 'total'] as const)
    metrics.stages.observe({ stage }, stages[stage] / 1_000)
  if (step.fill !== null) metrics.fills.inc()
  if (!pushed) metrics.pushFailures.inc()
  metrics.equity.set({ symbol: event.symbol }, step.mark.equity)
  metrics.position.set({ symbol: event.symbol }, step.mark.position)
}
