/** One request to move rows from history to the online store. */
export interface MaterializationJob {
  /** Undefined is every view that is served online. */
  readonly views: readonly string[] | undefined
  /** Epoch milliseconds, inclusive; undefined goes on from each view's last interval. */
  readonly start: number | undefined
  /** Epoch milliseconds, inclusive. */
  readonly end: number
  /** Takes every row with an event time up to `end`. Rows keep their event times, as in Feast. */
  readonly ignoreEventTimestamps: boolean
  /** Writes that version of the view; one view alone may be named then. */
  readonly version?: number
}

/** What became of one view. */
export interface MaterializedView {
  readonly view: string
  readonly start: number
  readonly end: number
  /** Entities found in the window. */
  readonly rows: number
  /** Of them, those that lost to a row as new in the online store. */
  readonly older: number
}

export interface MaterializationProgress {
  readonly view: string
  readonly rows: number
}

/** Whoever materializes: this process, a child of it, or the materializer service. */
export interface Materializer {
  /**
   * Views one after another; the first failure ends the run, what was done before stays done.
   * @throws ServiceError `feature_view_unknown`, `invalid_request`, `conflict` while a view of the
   *   job is being materialized, `store_unavailable`
   */
  run(
    job: MaterializationJob,
    signal: AbortSignal,
    onProgress?: (progress: MaterializationProgress) => void,
  ): Promise<readonly MaterializedView[]>
}
