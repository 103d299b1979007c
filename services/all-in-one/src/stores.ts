import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '@usdcop/database/database'
import { migrate } from '@usdcop/database/migrate'
import { openPglite } from '@usdcop/database/pglite'
import { openLmdbStore } from '@usdcop/feast/stores/lmdb-store'
import type { OnlineStore } from '@usdcop/feast/stores/online-store'
import { createOfflineWriter, type OfflineWriter } from '@usdcop/materializer/offline'
import type { Contract } from '@usdcop/observation/contract'
import { openOfflineStore } from '@usdcop/offline-store/seal'
import type { Lifecycle } from '@usdcop/service/lifecycle'

/** The embedded stores of one data directory. */
export interface Stores {
  readonly db: Database
  readonly online: OnlineStore
  readonly offline: OfflineWriter
}

/** Opens them and has the lifecycle close them, after everything that uses them. */
export async function openStores(
  dataDirectory: string,
  project: string,
  contract: Contract,
  life: Lifecycle,
): Promise<Stores> {
  await mkdir(dataDirectory, { recursive: true })
  const db = await openPglite(join(dataDirectory, 'database'), life.signal)
  life.onClose('database', () => db.close())
  await migrate(db, life.signal)
  const online = openLmdbStore(join(dataDirectory, 'online'), project)
  life.onClose('online store', () => online.close())
  const files = await openOfflineStore(join(dataDirectory, 'offline'), life.signal)
  life.onClose('offline store', () => files[Symbol.asyncDispose]())
  return { db, online, offline: createOfflineWriter(files, contract, Date.now) }
}
