export interface Terminated extends Disposable {
  /** Aborts at SIGTERM. */
  readonly signal: AbortSignal
}

/** Until it is disposed of, SIGTERM asks for an end instead of making one. */
export function untilTerminated(): Terminated {
  const terminated = new AbortController()
  const stop = (): void => terminated.abort()
  process.once('SIGTERM', stop)
  return {
    signal: terminated.signal,
    [Symbol.dispose]: () => process.removeListener('SIGTERM', stop),
  }
}
