import { existsSync } from 'node:fs'
import { mkdir, open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ServiceError } from '@usdcop/service/errors'
import { tryLock } from 'fs-native-extensions'

export interface DataDirectory extends AsyncDisposable {
  readonly path: string
}

const LOCK = 'owner.lock'

/**
 * Makes this process the one owner of a data directory, creating it if need be. The operating system
 * holds the lock and frees it when the process ends, however it ends; the file stays, since removing
 * it would let two owners lock two files of the same name. It holds the owner's pid, for people.
 *
 * Throws `data_directory_in_use`, naming the directory and its owner.
 */
export async function lockDirectory(path: string): Promise<DataDirectory> {
  await mkdir(path, { recursive: true })
  const file = await open(join(path, LOCK), 'a+')
  try {
    if (!tryLock(file.fd)) {
      const pid = (await file.readFile('utf8')).trim()
      const owner = pid === '' ? 'another process' : `process ${pid}`
      throw new ServiceError('data_directory_in_use', `${path} is in use by ${owner}`)
    }
    await file.truncate()
    await file.write(`${process.pid}\n`)
  } catch (error) {
    await file.close()
    throw error
  }
  return { path, [Symbol.asyncDispose]: async () => await file.close() }
}

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
