import { open, rm, stat, utimes } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 20
/** Ten seconds of one and the same holder without a sign of life: it died. */
const LOOKS_UNTIL_ABANDONED = 500
/** Whoever works for longer says so that often. */
const SIGN_OF_LIFE_MS = 2_000

/**
 * Lets one program at a time do its work: whoever makes the file at `path` has its turn. A file that
 * a dead program left is taken away.
 */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  let holder: string | undefined
  let looks = 0
  while (!(await make(path))) {
    const found = await holderOf(path)
    looks = found === holder ? looks + 1 : 0
    holder = found
    if (looks > LOOKS_UNTIL_ABANDONED) await rm(path, { force: true })
    await sleep(PAUSE_MS, undefined, { signal })
  }
  const alive = setInterval(() => void touch(path), SIGN_OF_LIFE_MS)
  try {
    return await work()
  } finally {
    clearInterval(alive)
    await rm(path, { force: true })
  }
}

async function make(path: string): Promise<boolean> {
  try {
    await using _file = await open(path, 'wx')
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

/** What comes of it is for those who wait. */
async function touch(path: string): Promise<void> {
  const now = new Date()
  await utimes(path, now, now).catch(() => {})
}

/** No two files are made in one nanosecond under one inode. */
async function holderOf(path: string): Promise<string | undefined> {
  try {
    const { ino, mtimeNs } = await stat(path, { bigint: true })
    return `${ino} ${mtimeNs}`
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}
