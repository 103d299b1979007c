import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ServiceError } from '@usdcop/service/errors'
import type { StartReport } from '@usdcop/service/start-report'
import { ChildFailed } from './faults.ts'
import { repositoryPath } from './paths.ts'

const MAIN = repositoryPath('services/all-in-one/src/main.ts')
/** Does nothing unless the environment switches tracing on. An address, as `--import` wants it. */
const TRACING = pathToFileURL(repositoryPath('packages/tracing/src/register.ts')).href

export interface AllInOneOptions {
  /** Its whole environment; docs/configuration.md lists the variables it reads. */
  readonly env: NodeJS.ProcessEnv
  /** Where its log lines go: our standard output, or appended to a file. */
  readonly log: 'inherit' | { readonly file: string }
  readonly onReport: (report: StartReport) => void
}

/**
 * Runs the whole platform in a process of its own until it ends, the signal fires or this process is
 * told to end; then it is asked, once, to close in order. Rejects with ChildFailed when it ends with
 * another status than 0 without having been asked.
 */
export async function runAllInOne(
  { env, log, onReport }: AllInOneOptions,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  // An image of ours holds one service.
  if (!existsSync(MAIN))
    throw new ServiceError(
      'config_invalid',
      'this installation holds one service and not the whole platform: run this from a checkout',
    )
  const output = log === 'inherit' ? log : await openLog(log.file)
  const child = spawn(process.execPath, ['--import', TRACING, MAIN], {
    env,
    stdio: ['ignore', output === 'inherit' ? output : output.fd, 'inherit', 'ipc'],
    // A terminal sends Ctrl-C to its whole group; a second signal would cut the closing short.
    detached: true,
  })
  // The child has its own descriptor now.
  if (output !== 'inherit') await output.close()
  child.on('message', (report) => onReport(report as StartReport))
  let asked = false
  const stop = (): void => {
    asked = true
    child.kill('SIGTERM')
  }
  signal.addEventListener('abort', stop, { once: true })
  process.once('SIGTERM', stop)
  try {
    const code = await exitOf(child)
    if (code !== 0 && !asked) throw new ChildFailed(code ?? 1)
  } finally {
    signal.removeEventListener('abort', stop)
    process.removeListener('SIGTERM', stop)
  }
}

async function openLog(file: string): Promise<FileHandle> {
  await mkdir(dirname(file), { recursive: true })
  return await open(file, 'a')
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'exit')) as [number | null]
  return code
}
