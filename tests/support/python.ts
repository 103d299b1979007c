import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The Python of the interop ring: `USDCOP_PYTHON`, else the repository's own `.venv`. */
export function pythonPath(): string {
  return process.env['USDCOP_PYTHON'] ?? `${root}.venv/bin/python`
}

/**
 * Runs a Python script of this repository and returns what it printed. Throws with the way to get
 * Python where there is none, and with the script's own words where it fails.
 */
export async function runPython(
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const python = pythonPath()
  try {
    const { stdout } = await promisify(execFile)(python, [script, ...args], { cwd: root, signal })
    return stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(
      `no Python at ${python}: set USDCOP_PYTHON, or \`python3 -m venv .venv && ` +
        '.venv/bin/pip install -r tests/interop/requirements.txt`',
      { cause: error },
    )
  }
}
