import type { MaterializationJob, Materializer } from '@usdcop/feast/registry/materialization'
import { ServiceError } from '@usdcop/service/errors'
import type { Logger } from '@usdcop/service/log'
import type { FeatureServerMetrics } from '../metrics.ts'

/** Views that are being materialized already; told in Feast's own shape. */
export class RunningError extends ServiceError {
  readonly views: readonly string[]

  constructor(views: readonly string[]) {
    super(
      'conflict',
      `Cannot start materialization — the following feature views are being materialized ` +
        `already: ${views.join(', ')}.`,
    )
    this.views = views
  }
}

export interface Runs {
  /**
   * Starts a job. It goes on when its caller leaves, as in Feast, and ends with the server.
   * @throws RunningError where one of its views is being materialized
   */
  start(job: MaterializationJob): { readonly done: Promise<void> }
  /** Aborts what runs and waits for it. */
  stop(): Promise<void>
}

export function createRuns(
  materializer: Materializer,
  metrics: FeatureServerMetrics,
  logger: Logger,
): Runs {
  const busy = new Set<string>()
  const ending = new AbortController()
  const running = new Set<Promise<void>>()

  async function run(job: MaterializationJob): Promise<void> {
    const watch = stopwatch(job.views ?? [], metrics)
    try {
      const done = await materializer.run(job, ending.signal, ({ view }) => watch.at(view))
      watch.finish(done.map(({ view }) => view))
      for (const { view, older } of done)
        if (older > 0) metrics.olderRows.inc({ feature_view: view }, older)
      logger.info({ views: done }, 'materialized')
    } catch (error) {
      watch.fail()
      if (error instanceof ServiceError && error.code === 'conflict')
        throw new RunningError(busyViewsOf(error) ?? job.views ?? [])
      throw error
    }
  }

  return {
    start(job) {
      if (ending.signal.aborted) throw ending.signal.reason
      const views = job.views ?? []
      const taken = views.filter((view) => busy.has(view))
      if (taken.length > 0) throw new RunningError(taken)
      for (const view of views) busy.add(view)
      const done = run(job).finally(() => {
        for (const view of views) busy.delete(view)
        running.delete(done)
      })
      running.add(done)
      return { done }
    },
    async stop() {
      ending.abort(new ServiceError('not_ready', 'the server is ending'))
      await Promise.allSettled(running)
    },
  }
}

/** Another process knows better than this one which views of the job are busy. */
function busyViewsOf({ details }: ServiceError): readonly string[] | undefined {
  return (details as { readonly views?: readonly string[] } | undefined)?.views
}

/** Views run one after another, so each one's time ends where the next one's begins. */
function stopwatch(views: readonly string[], metrics: FeatureServerMetrics) {
  let [current] = views
  let since = performance.now()
  const ended = new Set<string>()
  const end = (view: string, status: 'success' | 'failure'): void => {
    ended.add(view)
    metrics.materializations.inc({ feature_view: view, status })
    const now = performance.now()
    metrics.materializationSeconds.observe({ feature_view: view }, (now - since) / 1_000)
    since = now
  }
  return {
    at(view: string): void {
      if (view === current || !views.includes(view)) return
      if (current !== undefined && !ended.has(current)) end(current, 'success')
      current = view
    },
    finish(done: readonly string[]): void {
      for (const view of done) if (!ended.has(view) && views.includes(view)) end(view, 'success')
    },
    fail(): void {
      if (current !== undefined && !ended.has(current)) end(current, 'failure')
    },
  }
}
