import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const STATE = ['database', 'online', 'offline']
const FORGETTING = 'forgetting'

/**
 * Removes the state of a directory that this process owns; keys stay, for who holds one keeps it. A
 * sign stands while it lasts: stores of which only some are gone do not fit together.
 */
export async function forgetState(path: string): Promise<void> {
  await writeFile(join(path, FORGETTING), '', { flush: true })
  for (const part of STATE) await rm(join(path, part), { recursive: true, force: true })
  await rm(join(path, FORGETTING))
}

/** True where a process died while it forgot: what is left must go too. */
export function isHalfForgotten(path: string): boolean {
  return existsSync(join(path, FORGETTING))
}
