import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** As many as Node's thread pool runs at once. */
const FSYNC_WORKERS = 4

/**
 * Makes a directory's first filling all or nothing. While it lasts `<path>.initialising` stands
 * beside it; whoever finds that file knows that nothing was ever committed inside, and starts over.
 *
 * Returns what settles a filling, or undefined when the directory is filled already.
 */
export async function beginFilling(
  path: string,
  filledBy: string,
): Promise<(() => Promise<void>) | undefined> {
  const sign = `${path}.initialising`
  if (existsSync(sign)) await rm(path, { recursive: true, force: true })
  else if (existsSync(join(path, filledBy))) return undefined
  await mkdir(dirname(path), { recursive: true })
  await writeFile(sign, '', { flush: true })
  await fsyncPath(dirname(path))
  return async () => {
    await fsyncTree(path)
    await rm(sign)
    await fsyncPath(dirname(path))
  }
}

async function fsyncTree(path: string): Promise<void> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() || entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
  // One iterator for all workers: each takes the next path. A thousand fsyncs in a row take seconds;
  // side by side the file system settles many of them at once.
  const rest = paths.values()
  const worker = async (): Promise<void> => {
    for (const path of rest) await fsyncPath(path)
  }
  await Promise.all(Array.from({ length: FSYNC_WORKERS }, worker))
  await fsyncPath(path)
}

async function fsyncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}
