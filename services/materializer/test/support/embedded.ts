import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPglite } from '@usdcop/database/pglite'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import { features, type Stores, signal } from './rig.ts'

/** PGlite in memory, and LMDB in a directory that goes with it. */
export async function openEmbedded(): Promise<Stores> {
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
