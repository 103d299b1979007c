import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wasOwned } from '@usdcop/service/data-directory'
import { ServiceError } from '@usdcop/service/errors'

const STATE = ['database', 'online', 'offline']
const FORGETTING = 'forgetting'

/** Of these the feature server alone makes `online`, and without owning the directory. */
const MADE_BY_OWNERS = ['database', 'offline']

/**
 * A directory that nobody has owned may be anybody's: what has the names of our state there is not
 * ours to open, nor to remove. To be asked before it is owned.
 * @throws ServiceError `config_invalid` naming what is there
 */
export function assertNobodyElses(path: string): void {
  if (wasOwned(path)) return
  const found = MADE_BY_OWNERS.filter((part) => existsSync(join(path, part)))
  if (found.length > 0)
    throw new ServiceError(
      'config_invalid',
      `${path} is no data directory, and has ${found.join(' and ')} of somebody else's; name another one`,
    )
}

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
