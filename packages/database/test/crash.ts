import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openPglite } from '@usdcop/database/pglite'
import { expect } from 'vitest'

const signal = AbortSignal.timeout(1_700_000)

/** Kills a committing process at the given line of its output; returns the last number it claimed. */
async function killAtLine(directory: string, line: number): Promise<number | undefined> {
  const program = join(import.meta.dirname, 'commit-until-killed.ts')
  const child = spawn(process.execPath, [program, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  let lines = 0
  let acknowledged: number | undefined
  for await (const text of createInterface({ input: child.stdout })) {
    if (text !== 'open') acknowledged = Number(text)
    lines += 1
    if (lines === line) child.kill('SIGKILL')
  }
  expect(await exited).toEqual([null, 'SIGKILL'])
  return acknowledged
}

/**
 * After each kill, every acknowledged row is there, without a gap, and at most one more. Returns how
 * many kills that held for.
 */
export async function survivesKills(directory: string, lines: readonly number[]): Promise<number> {
  let acknowledged = -1
  let survived = 0
  for (const line of lines) {
    acknowledged = (await killAtLine(directory, line)) ?? acknowledged
    const database = await openPglite(directory, signal)
    const rows = await database.query<{ n: number }>(
      'select n from numbered order by n',
      [],
      signal,
    )
    await database.close()
    expect(rows.map(({ n }) => n)).toEqual(rows.map((_, i) => i))
    expect([acknowledged + 1, acknowledged + 2]).toContain(rows.length)
    acknowledged = rows.length - 1
    survived += 1
  }
  return survived
}
