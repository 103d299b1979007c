import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyring } from '@usdcop/service/auth'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { localKey } from '../src/keys.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usdcop-keys-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('makes a key once, readable by its owner alone, and finds it again', async () => {
  const made = await localKey(folder, 'writer', 'writer')
  const found = await localKey(folder, 'writer', 'writer')
  expect(found).toEqual(made)
  expect((await readFile(made.file, 'utf8')).trim()).toBe(made.token)
  expect((await stat(made.file)).mode & 0o777).toBe(0o600)
  expect(createKeyring([made.key]).find(made.token)).toEqual(made.key)
  expect(JSON.stringify(made.key)).not.toContain(made.token)
})

test('makes a different key for every name', async () => {
  const [writer, gateway] = await Promise.all([
    localKey(folder, 'writer', 'writer'),
    localKey(folder, 'gateway', 'writer'),
  ])
  expect(writer.token).not.toBe(gateway.token)
})
