import { type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { ServiceError } from '@usdcop/service/errors'
import { ChildFailed } from './faults.ts'
import { repositoryPath } from './paths.ts'

/** Does nothing unless the environment switches tracing on. An address, as `--import` wants it. */
const TRACING = pathToFileURL(repositoryPath('packages/tracing/src/register.ts')).href

/**
 * For a service in a process of its own. Objects of a request die young: on a large machine Node lets
 * 96 MB of them pile up, which is slower than collecting them while they lie in the processor's cache.
 * Hardly any survive, so one thread is done with them before others would have been woken and waited for.
 */
export const NODE_FLAGS = ['--max-semi-space-size=8', '--no-parallel-scavenge']

export interface ChildServiceOptions {
  /** Of `serviceMain`. */
  readonly main: string
  /** Its whole environment; docs/configuration.md lists the variables it reads. */
  readonly env: NodeJS.ProcessEnv
  readonly stdio: NonNullable<SpawnOptions['stdio']>
  readonly onMessage?: (message: unknown) => void
}

/**
 * The entry point of a service.
 * @param absent what to say where it is missing: an image of ours holds one service
 */
export function serviceMain(service: string, absent: string): string {
  const main = repositoryPath(`services/${service}/src/main.ts`)
  if (!existsSync(main)) throw new ServiceError('config_invalid', absent)
  return main
}

/**
 * Runs a service in a process of its own until it ends, the signal fires or this process is told to
 * end; then it is asked, once, to close in order. Rejects with ChildFailed when it ends with another
 * status than 0 without having been asked.
 */
export async function runChildService(
  { main, env, stdio, onMessage }: ChildServiceOptions,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  // A terminal sends Ctrl-C to its whole group; a second signal would cut the closing short.
  const child = spawn(process.execPath, [...NODE_FLAGS, '--import', TRACING, main], {
    env,
    stdio,
    detached: true,
  })
  if (onMessage !== undefined) child.on('message', onMessage)
  let asked = false
  const stop = (): void => {
    asked = true
    child.kill('SIGTERM')
  }
  signal.addEventListener('abort', stop, { once: true })
  process.once('SIGTERM', stop)
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0 && !asked) throw new ChildFailed(code ?? 1)
  } finally {
    signal.removeEventListener('abort', stop)
    process.removeListener('SIGTERM', stop)
  }
}
