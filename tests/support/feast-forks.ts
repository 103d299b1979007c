import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const script = fileURLToPath(new URL('feast_forks.py', import.meta.url))

/** The socket of a process that others started for this one; see `feast-forks-setup.ts`. */
export const FORKS = 'USDCOP_FEAST_FORKS'

/** The Python that has Feast: `USDCOP_FEAST_PYTHON`, else the repository's own `.venv-feast`. */
export function feastPython(): string {
  return process.env['USDCOP_FEAST_PYTHON'] ?? `${root}.venv-feast/bin/python`
}

export interface FeastForks {
  readonly socket: string
  stop(): void
}

/** A process that has Feast imported, and forks for each run; it ends with this one at the latest. */
export async function startFeastForks(): Promise<FeastForks> {
  const folder = mkdtempSync(join(tmpdir(), 'usdcop-feast-forks-'))
  const socket = join(folder, 'socket')
  const child = spawn(feastPython(), [script, socket], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${feastPython()} ${script} ended with ${code}`)
    }),
  ])
  for (const each of [child, child.stdin, child.stdout] as { unref?: () => void }[]) each.unref?.()
  return {
    socket,
    stop: () => {
      child.stdin.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

let own: Promise<FeastForks> | undefined

async function connected(): Promise<Socket> {
  const path = process.env[FORKS] ?? (await (own ??= startFeastForks())).socket
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

export interface FeastRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningFeast {
  readonly ended: Promise<FeastRun>
  /** Ends it as a signal does, and waits. */
  stop(): Promise<void>
}

export interface FeastOptions {
  /** Beside the variables of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Its standard input. */
  readonly input?: string
}

/** Starts a script of Python's with Feast, or `feast` and arguments of Feast's own command. */
export async function startFeast(
  argv: readonly string[],
  { env, input = '' }: FeastOptions = {},
): Promise<RunningFeast> {
  const socket = await connected()
  const request = { argv, cwd: root, env: { ...process.env, ...env }, input }
  socket.write(`${JSON.stringify(request)}\n`)
  const ended = text(socket).then((answer) => JSON.parse(answer) as FeastRun)
  // Whoever only stops it does not listen.
  ended.catch(() => {})
  return {
    ended,
    async stop() {
      // Half closed: it hears that nobody waits, and still tells when it has ended.
      socket.end()
      await ended.catch(() => {})
    },
  }
}

/**
 * Runs one to its end and returns what it printed.
 * @throws Error with its own words where it ended with another code than 0
 */
export async function runFeast(
  argv: readonly string[],
  signal: AbortSignal,
  options: FeastOptions = {},
): Promise<string> {
  signal.throwIfAborted()
  const running = await startFeast(argv, options)
  const leave = () => void running.stop()
  signal.addEventListener('abort', leave, { once: true })
  try {
    const { code, stdout, stderr } = await running.ended
    signal.throwIfAborted()
    if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}:\n${stderr}`)
    return stdout
  } finally {
    signal.removeEventListener('abort', leave)
  }
}
