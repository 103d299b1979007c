import { type ErrorCode, ServiceError } from './errors.ts'
import type { Logger } from './log.ts'

export interface Lifecycle {
  /** Aborts when the process begins to end. */
  readonly signal: AbortSignal
  /**
   * Registers what was just opened. Closing runs newest first; a step that overruns its limit or
   * fails is logged, and the next one runs all the same.
   */
  onClose(name: string, close: () => unknown, limitMs?: number): void
  close(): Promise<void>
}

const DEFAULT_LIMIT_MS = 5_000

export function createLifecycle(logger: Logger): Lifecycle {
  const steps: { name: string; close: () => unknown; limitMs: number }[] = []
  const ending = new AbortController()
  let closed: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    ending.abort()
    for (const { name, close, limitMs } of steps.reverse()) {
      try {
        await within(limitMs, async () => await close())
      } catch (error) {
        logger.error({ err: error, step: name }, 'a shutdown step failed')
      }
    }
  }

  return {
    signal: ending.signal,
    onClose(name, close, limitMs = DEFAULT_LIMIT_MS) {
      steps.push({ name, close, limitMs })
    },
    close: () => (closed ??= closeAll()),
  }
}

/** The work is abandoned, not stopped: it belongs to a process that is about to end. */
async function within(limitMs: number, work: () => Promise<unknown>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`not closed within ${limitMs} ms`)), limitMs)
  try {
    await Promise.race([work(), late])
  } finally {
    clearTimeout(timer)
  }
}

export interface RunOptions {
  readonly logger: Logger
  /**
   * Reads the environment, opens everything and registers it with the lifecycle; when it returns the
   * service is up.
   */
  readonly start: (life: Lifecycle) => Promise<void>
}

/**
 * Runs a service until SIGTERM or SIGINT, then closes it in order; a second signal ends at once.
 * A failed start or an uncaught error closes what was opened and exits with 1; a fault that the
 * operator has to mend is told in plain words. While the service is ending already, what still fails
 * is logged and does not cut the closing short. Only `main.ts` files call this: it owns the process.
 */
export async function runService({ logger, start }: RunOptions): Promise<void> {
  const life = createLifecycle(logger)
  let ending = false
  const end = async (code: number): Promise<void> => {
    if (ending) process.exit(1)
    ending = true
    await life.close()
    process.exit(code)
  }
  const fail = (error: unknown): void => {
    // Work that was under way rejects with the signal's reason: that is the end, not a fault.
    if (ending && isAbort(error)) return
    if (ending) return logger.error({ err: error }, 'an error while the service stops')
    if (isForOperator(error)) tell(error.message)
    else logger.fatal({ err: error }, 'the service stops')
    void end(1)
  }
  process.on('SIGTERM', () => void end(0))
  process.on('SIGINT', () => void end(0))
  process.on('uncaughtException', fail)
  process.on('unhandledRejection', fail)
  try {
    await start(life)
  } catch (error) {
    fail(error)
  }
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError'
}

const FOR_OPERATOR: ReadonlySet<ErrorCode> = new Set(['config_invalid', 'data_directory_in_use'])

function isForOperator(error: unknown): error is ServiceError {
  return error instanceof ServiceError && FOR_OPERATOR.has(error.code)
}

function tell(message: string): void {
  // A parent that listens gets a start report, and tells it in its own way.
  if (process.connected !== true) process.stderr.write(`${message}\n`)
}
