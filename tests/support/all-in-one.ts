import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ReadyReport, ReplaySummary, StartReport } from '@usdcop/service/start-report'

const MAIN = fileURLToPath(new URL('../../services/all-in-one/src/main.ts', import.meta.url))

/** The whole platform in a process of its own, on free ports. */
export interface RunningPlatform extends AsyncDisposable {
  readonly child: ChildProcess
  readonly ready: Promise<ReadyReport>
  readonly finished: Promise<ReplaySummary>
  /** Exit status or signal of the process. */
  readonly ended: Promise<number | NodeJS.Signals>
}

/**
 * Starts it over a data directory, at full speed unless `env` says otherwise. Disposing kills it.
 * Both reports reject when the process ends without them.
 */
export function startAllInOne(dataDirectory: string, env: NodeJS.ProcessEnv = {}): RunningPlatform {
  const child = fork(MAIN, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      DATA_DIR: dataDirectory,
      FEATURE_SERVER_PORT: '0',
      MATERIALIZER_PORT: '0',
      GATEWAY_PORT: '0',
      REPLAY_SPEED: 'max',
      LOG_LEVEL: 'silent',
      ...env,
    },
  })
  const ready = Promise.withResolvers<ReadyReport>()
  const finished = Promise.withResolvers<ReplaySummary>()
  child.on('message', (report: StartReport) => {
    if (report.kind === 'ready') ready.resolve(report.ready)
    if (report.kind === 'finished') finished.resolve(report.summary)
  })
  const ended = once(child, 'exit').then(([code, signal]) => {
    const status = (signal ?? code) as number | NodeJS.Signals
    const early = new Error(`the platform ended with ${status}`)
    ready.reject(early)
    finished.reject(early)
    return status
  })
  // A test that waits for neither must not fail by their rejection.
  ready.promise.catch(() => {})
  finished.promise.catch(() => {})
  return {
    child,
    ready: ready.promise,
    finished: finished.promise,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
