import type {
  FeatureView,
  Interval,
  OnDemandView,
  Registry,
} from '@usdcop/feast/registry/definitions'
import type {
  MaterializationJob,
  MaterializationProgress,
  MaterializedView,
  Materializer,
} from '@usdcop/feast/registry/materialization'
import { findView } from '@usdcop/feast/registry/registry'
import { viewsToMaterialize } from '@usdcop/feast/serving/materialized-views'
import { storedName } from '@usdcop/feast/serving/references'
import { computeStoredRows } from '@usdcop/feast/serving/stored-rows'
import { asStored } from '@usdcop/feast/serving/stored-view'
import { createTransformer, type Transformer } from '@usdcop/feast/serving/transform'
import type { OnlineRow, OnlineStore } from '@usdcop/feast/stores/online-store'
import { untilAborted } from '@usdcop/feast/stores/until-aborted'
import type { DomainClock } from '@usdcop/service/clock'
import { ServiceError } from '@usdcop/service/errors'
import { type JoinedWindow, joinedRows } from './joined-rows.ts'
import { newestRows } from './newest-rows.ts'

/** The part of a registry store that materializing needs. */
export interface MaterializationRegistry {
  read(signal: AbortSignal): Promise<Registry>
  recordMaterialization(view: string, interval: Interval, signal: AbortSignal): Promise<void>
}

export interface MaterializerDeps {
  readonly registry: MaterializationRegistry
  readonly store: OnlineStore
  readonly clock: DomainClock
  /** The feature repository: relative paths of sources begin here. */
  readonly directory: string
  /** How many rows of history are ranked at once; a million keeps DuckDB within its 512 MB. */
  readonly rowsAPass?: number
  /** Most rows of one write to the online store; whatever is read at once unless given. */
  readonly rowsAWrite?: number | undefined
  /** Computes stored on-demand views; those written in Python are refused by name unless given. */
  readonly transform?: Transformer | undefined
}

/** Feast's guess where a view never grows old and was never materialized. */
const YEAR_MS = 52 * 7 * 86_400_000

/**
 * Materializes in this process, from Parquet. Rows keep their event times whatever the job says, as
 * in Feast. What is recorded ends now at the latest: a later end would make the next increment skip
 * what arrives until then, which is what happens in Feast. Runs of several views take turns with each
 * view, since each may fill DuckDB's memory.
 */
export function createMaterializer(deps: MaterializerDeps): Materializer {
  const busy = new Set<string>()
  const inTurn = createTurns()
  return {
    async run(job, signal, onProgress = () => {}) {
      const registry = await deps.registry.read(signal)
      const views = await viewsOf(registry, job, deps, signal)
      const taken = views.filter((name) => busy.has(name))
      if (taken.length > 0)
        throw new ServiceError('conflict', `${taken.join(', ')}: being materialized already`, {
          details: { views: taken },
        })
      for (const name of views) busy.add(name)
      try {
        const done: MaterializedView[] = []
        for (const view of views)
          done.push(
            await inTurn(signal, () => runView(deps, registry, view, job, onProgress, signal)),
          )
        return done
      } finally {
        for (const name of views) busy.delete(name)
      }
    },
  }
}

async function runView(
  deps: MaterializerDeps,
  registry: Registry,
  name: string,
  job: MaterializationJob,
  onProgress: (progress: MaterializationProgress) => void,
  signal: AbortSignal,
): Promise<MaterializedView> {
  const { registry: record, store, clock, rowsAWrite } = deps
  const onDemand = registry.onDemandViews.get(name)
  const view = onDemand === undefined ? findView(registry, name) : asStored(registry, onDemand)
  const { start, end } =
    onDemand === undefined
      ? windowOf(view, job, clock.now())
      : onDemandWindow(registry, onDemand, job, clock.now())
  let rows = 0
  let older = 0
  onProgress({ view: name, rows })
  if (start <= end) {
    const batches =
      onDemand === undefined
        ? newestRows({ ...historyOf(deps, registry, start, end), view }, signal)
        : computedRows(deps, { ...historyOf(deps, registry, start, end), view: onDemand }, signal)
    // One batch is on its way at a time, so the store sets the pace.
    for await (const read of batches)
      for (const batch of portions(read, rowsAWrite)) {
        const outcomes = await store.write(storedName(registry, view), batch, signal)
        rows += batch.length
        older += outcomes.filter((outcome) => outcome === 'older').length
        onProgress({ view: name, rows })
      }
    const reached = Math.min(end, clock.now())
    // Feast records nothing of an on-demand view: an increment of it begins anew.
    if (start <= reached && onDemand === undefined)
      await record.recordMaterialization(name, { start, end: reached }, signal)
  }
  return { view: name, start, end, rows, older }
}

function historyOf(
  { directory, rowsAPass = 1_000_000 }: MaterializerDeps,
  registry: Registry,
  start: number,
  end: number,
) {
  return { registry, directory, start, end, rowsAPass }
}

/** The rows of a stored on-demand view, under the time of the write. */
async function* computedRows(
  { clock, transform = createTransformer() }: MaterializerDeps,
  window: JoinedWindow,
  signal: AbortSignal,
): AsyncGenerator<readonly OnlineRow[]> {
  const now = clock.now()
  for await (const rows of joinedRows(window, signal)) {
    const keys = rows.map((row) => row.keys)
    const inputs = rows.map((row) => row.inputs)
    yield await computeStoredRows(window.view, keys, inputs, now, transform, signal)
  }
}

function* portions<T>(items: readonly T[], size = items.length): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}

/** Lets one piece of work run at a time, first come first served; who waits may leave. */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    const before = last
    const { promise: mine, resolve: end } = Promise.withResolvers<void>()
    last = before.then(() => mine)
    try {
      await untilAborted(before, signal)
      return await work()
    } finally {
      end()
    }
  }
}

/** An increment goes on from the last interval, else as far back as rows may be served. */
export function windowOf(
  view: FeatureView,
  { start, end, ignoreEventTimestamps }: MaterializationJob,
  now: number,
): Interval {
  if (ignoreEventTimestamps) return { start: 0, end }
  if (start !== undefined) return { start, end }
  const reached = view.intervals?.map((interval) => interval.end) ?? []
  const from = reached.length > 0 ? Math.max(...reached) : now - (view.ttlMs || YEAR_MS)
  return { start: from, end: Math.min(end, now) }
}

/** An increment goes as far back as rows of the view's sources may be served, as in Feast. */
function onDemandWindow(
  registry: Registry,
  { projections }: OnDemandView,
  job: MaterializationJob,
  now: number,
): Interval {
  if (job.ignoreEventTimestamps || job.start !== undefined)
    return { start: job.ignoreEventTimestamps ? 0 : (job.start ?? 0), end: job.end }
  const ttls = projections.map(({ view }) => findView(registry, view).ttlMs)
  const end = Math.min(job.end, now)
  return { start: end - (Math.max(...ttls) || YEAR_MS), end }
}

async function viewsOf(
  registry: Registry,
  { views, start, end, version }: MaterializationJob,
  { transform = createTransformer() }: MaterializerDeps,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (start !== undefined && start > end)
    throw new ServiceError('invalid_request', 'the start of a materialization is after its end')
  if (version !== undefined)
    throw new ServiceError('not_supported', 'earlier versions of a view are not materialized here')
  return await viewsToMaterialize(registry, views, transform, signal)
}
