import { existsSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { tryLock } from 'fs-native-extensions'
import { ServiceError } from './errors.ts'

export interface DataDirectory extends AsyncDisposable {
  readonly path: string
}

const LOCK = 'owner.lock'

/** Whether any process has ever owned it. */
export function wasOwned(path: string): boolean {
  return existsSync(join(path, LOCK))
}

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
