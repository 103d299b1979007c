import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { StartReport } from '@usdcop/service/start-report'
import { ChildFailed } from './faults.ts'
import { repositoryPath } from './paths.ts'

export interface AllInOneOptions {
  /** Its whole environment; docs/configuration.md lists the variables it reads. */
  readonly env: NodeJS.ProcessEnv
  /** What becomes of its log lines: to our standard output, or away (it keeps a file). */
  readonly log: 'inherit' | 'ignore'
  readonly onReport: (report: StartReport) => void
}

/**
 * Runs the whole platform in a process of its own until it ends or the signal fires; then it is
 * asked to close in order. Rejects with ChildFailed when it ends with another status than 0.
 */
export async function runAllInOne(
  { env, log, onReport }: AllInOneOptions,
  signal: AbortSignal,
): Promise<void> {
  const child = spawn(process.execPath, [repositoryPath('services/all-in-one/src/main.ts')], {
    env,
    stdio: ['ignore', log, 'inherit', 'ipc'],
  })
  const stop = (): void => requestEnd(child)
  signal.addEventListener('abort', stop, { once: true })
  process.once('SIGTERM', stop)
  child.on('message', (report) => onReport(report as StartReport))
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new ChildFailed(code ?? 1)
  } finally {
    signal.removeEventListener('abort', stop)
    process.removeListener('SIGTERM', stop)
  }
}

function requestEnd(child: ChildProcess): void {
  child.kill('SIGTERM')
}
