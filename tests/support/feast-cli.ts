import { execFile } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The Python that has Feast: `USDCOP_FEAST_PYTHON`, else the repository's own `.venv-feast`. */
export function feastPython(): string {
  return process.env['USDCOP_FEAST_PYTHON'] ?? `${root}.venv-feast/bin/python`
}

/** Runs Feast's own command on a repository and returns what it printed. */
export async function feastCli(
  repository: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const feast = join(dirname(feastPython()), 'feast')
  const { stdout } = await promisify(execFile)(feast, ['-c', repository, ...args], {
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
    signal,
  })
  return stdout
}

export interface FeastSaid {
  readonly args: readonly string[]
  readonly code: number
  readonly stdout: string
}

/** Several verbs in one process, because Feast takes seconds to start. */
export async function feastSays(
  repository: string,
  verbs: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<readonly FeastSaid[]> {
  const script = fileURLToPath(new URL('feast_says.py', import.meta.url))
  const running = promisify(execFile)(feastPython(), [script, repository], {
    maxBuffer: 64 * 1024 * 1024,
    signal,
  })
  running.child.stdin?.end(JSON.stringify(verbs))
  const { stdout } = await running
  return JSON.parse(stdout) as FeastSaid[]
}
