import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'

const BARS = new URL('../../data/usdcop-m5.csv.gz', import.meta.url)
/** Six weeks before the replay: past every warm-up. */
const SINCE = '2025-05-15'

/** Writes the newest weeks of the demo bars to a file of their own, and returns its path. */
export async function writeShortHistory(folder: string, signal: AbortSignal): Promise<string> {
  const lines = createInterface({ input: createReadStream(BARS, { signal }).pipe(createGunzip()) })
  const kept: string[] = []
  for await (const line of lines) if (kept.length === 0 || line >= SINCE) kept.push(line)
  const path = join(folder, 'bars.csv')
  await writeFile(path, `${kept.join('\n')}\n`)
  return path
}
