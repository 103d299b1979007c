import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPglite } from '@usdcop/database/pglite'
import { openLmdbStore } from '@usdcop/feast/lmdb-store'
import { describe } from 'vitest'
import { historySuite } from './support/history-suite.ts'
import { features, type Stores, signal } from './support/rig.ts'
import { storeSuite } from './support/store-suite.ts'

async function open(): Promise<Stores> {
  const directory = await mkdtemp(join(tmpdir(), 'usdcop-online-'))
  const db = await openPglite('memory', signal)
  const online = openLmdbStore(directory, features.project)
  return {
    db,
    online,
    async [Symbol.asyncDispose]() {
      await online.close()
      await db.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

describe('the materializer on PGlite and LMDB', { timeout: 60_000 }, () => {
  storeSuite(open)
  describe('a history', () => {
    historySuite(open)
  })
})
