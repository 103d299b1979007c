import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openOnlineStore } from '../../src/stores/open-store.ts'
import { entityKey } from '../../src/wire/entity-key.ts'

const signal = AbortSignal.timeout(60_000)
const keys = ['a', 'b'].map((value) => entityKey([['id', { type: 'STRING', value }]]))

test('erases a view and a project, and leaves views of a like name and other projects', async () => {
  const path = await mkdtemp(join(tmpdir(), 'usdcop-erase-'))
  const open = (project: string) =>
    openOnlineStore({ type: 'lmdb', path }, project, { onError: () => {} })
  const store = open('prod')
  const other = open('preprod')
  const rows = keys.map((key) => ({ entityKey: key, eventTimestamp: 1, values: new Map() }))
  for (const view of ['v', 'v2']) await store.write(view, rows, signal)
  await other.write('v', rows, signal)
  const known = async (of: typeof store) => {
    const reads = ['v', 'v2'].map((view) => ({ view, features: [], keys }))
    return (await of.read(reads, signal)).map((found) => found.filter(Boolean).length)
  }

  expect(await store.deleteView({ view: 'v', features: [], joinKeys: ['id'] }, signal)).toBe(2)
  expect(await known(store)).toEqual([0, 2])
  expect(await store.deleteProject(signal)).toBe(2)
  expect(await known(store)).toEqual([0, 0])
  expect(await known(other)).toEqual([2, 0])
  await store.close()
  await other.close()
  await rm(path, { recursive: true })
})
