import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import type { StartReport } from '@usdcop/service/start-report'
import { runChildService, serviceMain } from './child-service.ts'

export interface AllInOneOptions {
  /** Its whole environment; docs/configuration.md lists the variables it reads. */
  readonly env: NodeJS.ProcessEnv
  /** Where its log lines go: our standard output, or appended to a file. */
  readonly log: 'inherit' | { readonly file: string }
  readonly onReport: (report: StartReport) => void
}

/** Runs the whole platform in a process of its own until it ends or is to end; see `runChildService`. */
export async function runAllInOne(
  { env, log, onReport }: AllInOneOptions,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const main = serviceMain(
    'all-in-one',
    'this installation holds one service and not the whole platform: run this from a checkout',
  )
  const output = log === 'inherit' ? undefined : await openLog(log.file)
  try {
    await runChildService(
      {
        main,
        env,
        stdio: ['ignore', output?.fd ?? 'inherit', 'inherit', 'ipc'],
        onMessage: (report) => onReport(report as StartReport),
      },
      signal,
    )
  } finally {
    await output?.close()
  }
}

async function openLog(file: string): Promise<FileHandle> {
  try {
    await mkdir(dirname(file), { recursive: true })
    return await open(file, 'a')
  } catch (error) {
    const fault = `--data-dir ${dirname(file)} cannot be written into`
    throw new ServiceError('config_invalid', fault, { cause: error })
  }
}
