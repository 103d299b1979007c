import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { survivesKills } from './crash.ts'

test('keeps every acknowledged commit through 25 kills', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-crash-'))
  try {
    const lines = Array.from({ length: 25 }, (_, i) => 1 + ((i * 7919) % 241))
    expect(await survivesKills(join(directory, 'database'), lines)).toBe(25)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
