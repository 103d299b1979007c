import { fileURLToPath } from 'node:url'
import { runFeast } from './feast-forks.ts'

/** Runs Feast's own command on a repository and returns what it printed. */
export async function feastCli(
  repository: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  return await runFeast(['feast', '-c', repository, ...args], signal, { env })
}

export interface FeastSaid {
  readonly args: readonly string[]
  readonly code: number
  readonly stdout: string
}

/** What several verbs of Feast's own command say, one after the other. */
export async function feastSays(
  repository: string,
  verbs: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<readonly FeastSaid[]> {
  const script = fileURLToPath(new URL('feast_says.py', import.meta.url))
  const said = await runFeast([script, repository], signal, { input: JSON.stringify(verbs) })
  return JSON.parse(said) as FeastSaid[]
}
