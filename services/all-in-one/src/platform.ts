import { readFile } from 'node:fs/promises'
import { newestOutboxId } from '@usdcop/database/outbox'
import { defineFeatures } from '@usdcop/feature-repo/features'
import type { ConsoleStatus } from '@usdcop/inference-gateway/console/wire'
import { loadPolicyFrom } from '@usdcop/inference-gateway/model/load'
import type { Policy } from '@usdcop/inference-gateway/model/run'
import { rulesOf } from '@usdcop/inference-gateway/rules'
import { type Calendar, createCalendar } from '@usdcop/observation/calendar'
import { type Contract, parseContract } from '@usdcop/observation/contract'
import { SteppedClock } from '@usdcop/service/clock'
import { lockDirectory } from '@usdcop/service/data-directory'
import { ServiceError } from '@usdcop/service/errors'
import type { Lifecycle } from '@usdcop/service/lifecycle'
import type { Logger } from '@usdcop/service/log'
import type { ReplaySummary, StartReport } from '@usdcop/service/start-report'
import type { Config } from './config.ts'
import { assertNobodyElses, forgetState, isHalfForgotten } from './data-directory.ts'
import { loadHistory, readProgress } from './history.ts'
import { localKey } from './keys.ts'
import { type MarketData, readMarketData } from './market-data.ts'
import { assertPortsFree } from './ports.ts'
import { type ReplayDeps, replay } from './replay.ts'
import { planReplay, type ReplayPlan } from './replay-plan.ts'
import { createReplayStatus } from './replay-status.ts'
import { startServices } from './services.ts'
import { openStores, type Stores } from './stores.ts'
import { summarise } from './summary.ts'

/** Under this name the replay keeps its checkpoint. */
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
  const contract = parseContract(JSON.parse(await readFile(config.contractFile, 'utf8')))
  const calendar = createCalendar(contract)
  const { data, stores } = await open(config, contract, calendar, life)
  const before = await readProgress(stores.db, contract, life.signal)
  const from = before?.newest === undefined ? config.replay.from : dayOf(before.newest)
  const plan = planReplay(data, { from, to: config.replay.to }, calendar)
  const backfilled =
    before === undefined ? await loadHistory(stores, contract, plan, report, life.signal) : null
  const newest = (await readProgress(stores.db, contract, life.signal))?.newest

  const clock = new SteppedClock(newest === undefined ? plan.startsAt : newest + calendar.barMs)
  const paceMs = paceOf(config, calendar)
  const status = createReplayStatus(beginning(plan, clock.now(), paceMs))
  const symbol = data.bars[0]?.symbol ?? ''
  const writer = await localKey(config.dataDirectory, 'writer', 'writer')
  const gateway = await localKey(config.dataDirectory, 'gateway', 'writer')
  const policy = await loadPolicy(config, contract, life, logger)
  const { urls, ingest, consumer } = await startServices(
    { config, contract, clock, stores, policy, status, symbol, keys: { writer, gateway }, logger },
    life,
  )
  const resumeAfter = newest ?? 0
  report({
    kind: 'ready',
    ready: {
      console: urls.gateway,
      featureServer: urls.featureServer,
      materializer: urls.materializer,
      dataDirectory: config.dataDirectory,
      writerKeyFile: writer.file,
      backfilled,
      model: policy === undefined ? null : nameOf(policy),
      replay: plan.bars.some(({ barTime }) => barTime > resumeAfter) ? rangeOf(plan) : null,
    },
  })

  async function decided(signal: AbortSignal): Promise<void> {
    await consumer.drained(await newestOutboxId(stores.db, signal), signal)
  }
  async function run(): Promise<ReplaySummary> {
    const total = plan.sessions.length
    const deps: ReplayDeps = {
      clock,
      calendar,
      takeBar: async (bar, signal) =>
        (await ingest.bars(REPLAY, [bar], signal))[0]?.status === 'accepted',
      takeMacro: (values, signal) => ingest.macro(REPLAY, values, signal),
      decided,
      paceMs,
      onSession(session, done) {
        status.update({ now: clock.now(), progress: { done, total } })
        report({ kind: 'session', session, done, total })
      },
    }
    // What was committed before a crash is decided on before the market moves on.
    await decided(life.signal)
    await replay(plan, resumeAfter, deps, life.signal)
    status.update({ state: 'finished', now: clock.now(), progress: { done: total, total } })
    return await summarise(stores.db, contract, symbol, life.signal)
  }
  return { replayed: run() }
}

/** The data of the replay, and the stores of a directory that is ours from now on. */
async function open(
  config: Config,
  contract: Contract,
  calendar: Calendar,
  life: Lifecycle,
): Promise<{ data: MarketData; stores: Stores }> {
  const { dataDirectory, fresh, barsFile, macroFile } = config
  assertNobodyElses(dataDirectory)
  const owned = await lockDirectory(dataDirectory)
  life.onClose('data directory', () => owned[Symbol.asyncDispose]())
  await assertPortsFree(config)
  if (fresh || isHalfForgotten(dataDirectory)) await forgetState(dataDirectory)
  const [data, stores] = await Promise.all([
    readMarketData({ bars: barsFile, macro: macroFile }, contract, calendar, life.signal),
    openStores(dataDirectory, defineFeatures(contract).project, contract, life),
  ])
  return { data, stores }
}

/** Milliseconds from one bar to the next; 0 is as fast as it goes. */
function paceOf({ replay: { sessionsPerMinute } }: Config, { barsPerSession }: Calendar): number {
  return sessionsPerMinute === 'max' ? 0 : 60_000 / (sessionsPerMinute * barsPerSession)
}

function beginning({ sessions }: ReplayPlan, now: number, paceMs: number): ConsoleStatus {
  return {
    mode: 'replay',
    state: 'running',
    speed: paceMs === 0 ? null : 1_000 / paceMs,
    now,
    from: sessions[0] ?? null,
    to: sessions.at(-1) ?? null,
    progress: { done: 0, total: sessions.length },
  }
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

function nameOf(policy: Policy): { name: string; version: string } {
  const { name, version } = policy.describe()
  return { name, version }
}

function rangeOf({ sessions }: ReplayPlan): { from: string; to: string; sessions: number } {
  return { from: sessions[0] ?? '', to: sessions.at(-1) ?? '', sessions: sessions.length }
}

function dayOf(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10)
}
