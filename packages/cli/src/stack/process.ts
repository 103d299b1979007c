import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Output } from '../world.ts'

export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
}

export interface Captured {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What a program that does not end by itself is given after it was asked to. */
const PATIENCE_MS = 10_000

/**
 * Runs a program to its end and keeps what it says. Rejects with the signal's reason when that fires,
 * and with ENOENT when there is no such program.
 */
export async function capture(program: Program, signal: AbortSignal): Promise<Captured> {
  const child = start(program)
  const [code, stdout, stderr] = await Promise.all([
    endOf(child, signal),
    text(child.stdout),
    text(child.stderr),
  ])
  signal.throwIfAborted()
  return { code, stdout, stderr }
}

/** Runs a program to its end, its words going out as they come. Rejects like `capture`. */
export async function passThrough(
  program: Program,
  { stdout, stderr }: { readonly stdout: Output; readonly stderr: Output },
  signal: AbortSignal,
): Promise<number> {
  const child = start(program)
  // Nobody reads any more, as with `| head`.
  stdout.once('error', () => signalGroup(child, 'SIGTERM'))
  child.stdout.pipe(stdout, { end: false })
  child.stderr.pipe(stderr, { end: false })
  const code = await endOf(child, signal)
  signal.throwIfAborted()
  return code
}

function start({
  command,
  args,
  cwd,
  env,
}: Program): ChildProcessByStdio<null, Readable, Readable> {
  // A group of its own: a terminal's Ctrl-C comes to us, and from us to the program, once.
  return spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
}

/** Asks the program to end as Ctrl-C would when the signal fires, and waits until it has. */
async function endOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  let insist: NodeJS.Timeout | undefined
  const stop = (): void => {
    signalGroup(child, 'SIGINT')
    insist = setTimeout(() => signalGroup(child, 'SIGKILL'), PATIENCE_MS)
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return code ?? 1
  } finally {
    clearTimeout(insist)
    signal.removeEventListener('abort', stop)
  }
}

/** `docker compose` is two processes: the command, and its plugin. */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // It has ended in the meantime.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
