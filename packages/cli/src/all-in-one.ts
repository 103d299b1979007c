import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { StartReport } from '@usdcop/service/start-report'
import { ChildFailed } from './faults.ts'
import { repositoryPath } from './paths.ts'

export interface AllInOneOptions {
  /** Its whole environment; docs/configuration.md lists the variables it reads. */
  readonly env: NodeJS.ProcessEnv
  /** Where its log lines go: our standard output, or appended to a file. */
  readonly log: 'inherit' | { readonly file: string }
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
  const output = log === 'inherit' ? log : await openLog(log.file)
  const child = spawn(process.execPath, [repositoryPath('services/all-in-one/src/main.ts')], {
    env,
    stdio: ['ignore', output === 'inherit' ? output : output.fd, 'inherit', 'ipc'],
  })
  // The child has its own descriptor now.
  if (output !== 'inherit') await output.close()
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

async function openLog(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true })
  return await open(file, 'a')
}

function requestEnd(child: ChildProcess): void {
  child.kill('SIGTERM')
}
