import { existsSync } from 'node:fs'
import { type FeastForks, FORKS, feastPython, startFeastForks } from './feast-forks.ts'

let forks: FeastForks | undefined

/** One process with Feast for all files of a ring; without it each file would start its own. */
export async function setup(): Promise<void> {
  if (!existsSync(feastPython())) return
  forks = await startFeastForks()
  process.env[FORKS] = forks.socket
}

export function teardown(): void {
  forks?.stop()
}
