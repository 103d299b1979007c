/** Which rows of a view to erase, and how they are found. */
export interface ViewToErase {
  readonly view: string
  readonly features: readonly string[]
  /** In any order. */
  readonly joinKeys: readonly string[]
}

/**
 * Erasing for teardown and for views that were dropped: only what is this project's own. Both resolve
 * with how many entities they touched.
 */
export interface Eraser {
  deleteProject(signal: AbortSignal): Promise<number>
  deleteView(view: ViewToErase, signal: AbortSignal): Promise<number>
}
