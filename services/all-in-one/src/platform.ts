import { readFile, rm } from 'node:fs/promises'
import { newestBarTimes } from '@usdcop/database/bars'
import { readCheckpoint } from '@usdcop/database/checkpoint'
import { newestOutboxId } from '@usdcop/database/outbox'
import { defineFeatures } from '@usdcop/feature-repo/features'
import { loadPolicyFrom } from '@usdcop/inference-gateway/model/load'
import type { Policy } from '@usdcop/inference-gateway/model/run'
import { rulesOf } from '@usdcop/inference-gateway/rules'
import { type BackfillResult, backfill } from '@usdcop/materializer/backfill'
import { createCalendar } from '@usdcop/observation/calendar'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import { SteppedClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import type { ReplaySummary, StartReport } from '@usdcop/service/start-report'
import type { Config } from './config.ts'
import { lockDirectory } from './data-directory.ts'
import { localKey } from './keys.ts'
import { readMarketData } from './market-data.ts'
import { replay } from './replay.ts'
import { planReplay, type ReplayPlan } from './replay-plan.ts'
import { createReplayStatus } from './replay-status.ts'
import { startServices } from './services.ts'
import { openStores, type Stores } from './stores.ts'
import { summarise } from './summary.ts'

/** Under this name the back-fill and the replay keep their checkpoints. */
const HISTORY = 'history'
const REPLAY = 'replay'

export interface Platform {
  /** Resolves with the result when the last bar has been decided on; rejects when the replay fails. */
  readonly replayed: Promise<ReplaySummary>
}

/**
 * Opens the data directory, loads the history where there is none yet, starts the services and
 * replays the rest. A directory that has a history goes on behind its newest bar.
 */
export async function startPlatform(
  config: Config,
  life: Lifecycle,
  logger: Logger,
  report: (report: StartReport) => void,
): Promise<Platform> {
  const { dataDirectory } = config
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const calendar = createCalendar(contract)
  const owned = await lockDirectory(dataDirectory)
  life.onClose('data directory', () => owned[Symbol.asyncDispose]())
  if (config.fresh) await forget(dataDirectory)

  const features = defineFeatures(contract)
  const reading = readMarketData(
    { bars: config.barsFile, macro: config.macroFile },
    contract,
    calendar,
    life.signal,
  )
  const stores = await openStores(dataDirectory, features.project, contract, life)
  const data = await reading
  const before = await reached(stores, life.signal)
  const range = { ...config.replay, ...(before === undefined ? {} : { from: dayOf(before) }) }
  const plan = planReplay(data, range, calendar)

  const backfilled =
    before === undefined ? await loadHistory(stores, contract, plan, report, life.signal) : null
  const newest = await reached(stores, life.signal)
  const clock = new SteppedClock(newest === undefined ? plan.startsAt : newest + calendar.barMs)

  const { sessionsPerMinute } = config.replay
  const barsPerSecond =
    sessionsPerMinute === 'max' ? null : (sessionsPerMinute * calendar.barsPerSession) / 60
  const total = plan.sessions.length
  const status = createReplayStatus({
    mode: 'replay',
    state: 'running',
    speed: barsPerSecond,
    now: clock.now(),
    from: plan.sessions[0] ?? null,
    to: plan.sessions.at(-1) ?? null,
    progress: { done: 0, total },
  })
  const symbol = data.bars[0]?.symbol ?? ''
  const writer = await localKey(dataDirectory, 'writer', 'writer')
  const gateway = await localKey(dataDirectory, 'gateway', 'writer')
  const policy = await loadPolicy(config, contract, life, logger)
  const services = await startServices(
    { config, contract, clock, stores, policy, status, symbol, keys: { writer, gateway }, logger },
    life,
  )
  const remaining = plan.bars.filter(({ barTime }) => barTime > (newest ?? 0))
  report({
    kind: 'ready',
    ready: {
      console: services.urls.gateway,
      featureServer: services.urls.featureServer,
      materializer: services.urls.materializer,
      dataDirectory,
      writerKeyFile: writer.file,
      backfilled,
      replay: remaining.length === 0 ? null : rangeOf(plan),
    },
  })

  async function decided(signal: AbortSignal): Promise<void> {
    await services.consumer.drained(await newestOutboxId(stores.db, signal), signal)
  }
  async function run(): Promise<ReplaySummary> {
    // What was committed before a crash is decided on before the market moves on.
    await decided(life.signal)
    await replay(
      plan,
      newest ?? 0,
      {
        clock,
        calendar,
        takeBar: async (bar, signal) =>
          (await services.ingest.bars(REPLAY, [bar], signal))[0]?.status === 'accepted',
        takeMacro: (values, signal) => services.ingest.macro(REPLAY, values, signal),
        decided,
        paceMs: barsPerSecond === null ? 0 : 1_000 / barsPerSecond,
        onSession(session, done) {
          status.update({ now: clock.now(), progress: { done, total } })
          report({ kind: 'session', session, done, total })
        },
      },
      life.signal,
    )
    status.update({ state: 'finished', now: clock.now(), progress: { done: total, total } })
    return await summarise(stores.db, contract, symbol, life.signal)
  }
  return { replayed: run() }
}

/** The label of the newest bar the stores have; undefined before the history is loaded. */
async function reached({ db }: Stores, signal: AbortSignal): Promise<number | undefined> {
  if ((await readCheckpoint(db, HISTORY, signal)) === undefined) return undefined
  const times = (await newestBarTimes(db, signal)).map(({ barTime }) => barTime)
  return times.length === 0 ? undefined : Math.max(...times)
}

async function loadHistory(
  { db, offline }: Stores,
  contract: Contract,
  { history }: ReplayPlan,
  report: (report: StartReport) => void,
  signal: AbortSignal,
): Promise<{ bars: number; rejected: number; seconds: number }> {
  const startedAt = performance.now()
  const total = history.bars.length
  report({ kind: 'backfill', done: 0, total })
  const macro = history.macro.map(({ series, date, value }) => ({ series, date, value }))
  const { accepted, rejected }: BackfillResult = await backfill(
    { db, offline, contract },
    { source: HISTORY, bars: history.bars, macro },
    signal,
  )
  report({ kind: 'backfill', done: total, total })
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0)
  return { bars: accepted, rejected: refused, seconds: (performance.now() - startedAt) / 1_000 }
}

/** Without a model the platform still runs: every decision is then a refusal that says so. */
async function loadPolicy(
  { modelDirectory }: Config,
  contract: Contract,
  life: Lifecycle,
  logger: Logger,
): Promise<Policy | undefined> {
  try {
    const policy = await loadPolicyFrom(modelDirectory, rulesOf(contract).model, life.signal)
    life.onClose('model', () => policy.close())
    return policy
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    logger.error({ err: error }, 'no model is loaded; every decision will be a refusal')
    return undefined
  }
}

/** Keys stay: who holds one keeps it. */
async function forget(dataDirectory: string): Promise<void> {
  for (const part of ['database', 'online', 'offline'])
    await rm(`${dataDirectory}/${part}`, { recursive: true, force: true })
}

function rangeOf({ sessions }: ReplayPlan): { from: string; to: string; sessions: number } {
  return { from: sessions[0] ?? '', to: sessions.at(-1) ?? '', sessions: sessions.length }
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}
