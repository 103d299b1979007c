/** Says what an operator should know; a pino logger is one. */
export interface Teller {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What a started SDK leaves behind for the rest of the process. */
export interface Running {
  /** Sends what is waiting; rejects when it cannot. The caller bounds the wait. */
  shutdown(): Promise<void>
  /** Whoever was told nothing so far is told from now on. */
  tellTo(teller: Teller): void
}

/**
 * One per process, as OpenTelemetry's own globals are. It is set before a service is built, so a
 * service that is built while it is unset need not look again for each request.
 */
let running: Running | undefined

export function runningTracing(): Running | undefined {
  return running
}

export function setRunningTracing(next: Running | undefined): void {
  running = next
}
