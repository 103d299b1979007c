import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

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
  for (const entry of entries)
    if (entry.isFile() || entry.isDirectory()) await fsyncPath(join(entry.parentPath, entry.name))
  await fsyncPath(path)
}

async function fsyncPath(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}
