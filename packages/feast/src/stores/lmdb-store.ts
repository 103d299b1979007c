import { ServiceError } from '@usdcop/service/errors'
import { open } from 'lmdb'
import { encodeValue } from '../wire/value.ts'
import { decodeFields, encodeRow, eventTimestampOf, lmdbKey, readRow } from './lmdb-rows.ts'
import type { OnlineRow, OnlineStore, WriteOutcome } from './online-store.ts'
import { featureId } from './redis-rows.ts'

/**
 * The online store in an LMDB file: rows are read in place in microseconds, several processes may
 * share it, and a write has been fsynced when its promise resolves.
 */
export function openLmdbStore(directory: string, project: string): OnlineStore {
  const root = open({
    path: directory,
    noSubdir: false,
    encoding: 'binary',
    // By default the sync overlaps the next transaction and the promise does not wait for it.
    overlappingSync: false,
  })
  const rows = root.openDB<Buffer, Buffer>({
    name: project,
    encoding: 'binary',
    keyEncoding: 'binary',
  })
  const viewBytes = memoize((view: string) => Buffer.from(view, 'utf8'))
  const idsOf = createIdCache()
  let closed = false

  /** Compares and sets inside LMDB's single write transaction, so that no writer can come between. */
  function writeRow(view: string, row: OnlineRow): WriteOutcome {
    const key = lmdbKey(viewBytes(view), row.entityKey)
    const stored = rows.get(key)
    if (stored !== undefined && row.eventTimestamp <= eventTimestampOf(stored)) return 'older'
    const fields = stored === undefined ? new Map<number, Buffer>() : decodeFields(stored)
    for (const [feature, value] of row.values)
      fields.set(featureId(view, feature), encodeValue(value))
    void rows.put(key, encodeRow({ eventTimestamp: row.eventTimestamp, fields }))
    return 'written'
  }

  function assertOpen(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (closed) throw new ServiceError('store_unavailable', 'the online store is closed')
  }

  return {
    async read(reads, signal) {
      assertOpen(signal)
      try {
        // Otherwise the snapshot may be as old as the last turn of the event loop.
        root.resetReadTxn()
        return reads.map(({ view, features, keys }) => {
          const name = viewBytes(view)
          const ids = idsOf(view, features)
          return keys.map((key) => {
            // Valid until the next get only, which is why the row is decoded here and now.
            const stored = rows.getBinaryFast(lmdbKey(name, key))
            return stored === undefined ? undefined : readRow(stored, ids)
          })
        })
      } catch (cause) {
        throw unavailable(cause)
      }
    },

    async write(view, batch, signal) {
      assertOpen(signal)
      try {
        return await rows.transaction(() => batch.map((row) => writeRow(view, row)))
      } catch (cause) {
        throw unavailable(cause)
      }
    },

    async ping(signal) {
      assertOpen(signal)
      rows.get(Buffer.from('ping'))
    },

    async close() {
      if (closed) return
      closed = true
      await root.close()
    },
  }
}

function unavailable(cause: unknown): unknown {
  if (cause instanceof ServiceError) return cause
  return new ServiceError('store_unavailable', 'the online store does not answer', { cause })
}

/** Plans are cached and keep their feature lists, so the list itself names its ids. */
function createIdCache(): (view: string, features: readonly string[]) => readonly number[] {
  const cache = new WeakMap<readonly string[], { view: string; ids: readonly number[] }>()
  return (view, features) => {
    const known = cache.get(features)
    if (known?.view === view) return known.ids
    const ids = features.map((feature) => featureId(view, feature))
    cache.set(features, { view, ids })
    return ids
  }
}

function memoize<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>()
  return (key) => {
    const known = made.get(key)
    if (known !== undefined) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}
