import { runningTracing, type Teller } from './state.ts'

/** The lifecycle of a service, as far as it matters here. */
export interface Life {
  onClose(name: string, close: () => Promise<void>): void
}

/** Well inside what a container is given to stop. */
const SHUTDOWN_LIMIT_MS = 2_000

/**
 * The first thing a `main.ts` does with its lifecycle, so that traces close last, with the spans of
 * everything that closed before them. Trouble with the collector is told to the logger from now on.
 */
export function attachTracing(life: Life, teller: Teller): void {
  runningTracing()?.tellTo(teller)
  life.onClose('traces', () => shutdownTracing())
}

/**
 * Sends what is waiting, for at most so long; what the collector has not taken by then is lost. Never
 * rejects: losing spans is no reason to fail. Nothing where tracing is off.
 */
export async function shutdownTracing(limitMs: number = SHUTDOWN_LIMIT_MS): Promise<void> {
  const running = runningTracing()
  if (running === undefined) return
  const { promise: late, resolve: giveUp } = Promise.withResolvers<void>()
  const timer = setTimeout(giveUp, limitMs)
  try {
    await Promise.race([running.shutdown(), late])
  } catch {
    // Told already, by the exporter.
  } finally {
    clearTimeout(timer)
  }
}
