import { ServiceError } from '@usdcop/service/errors'
import { open } from 'lmdb'
import { encodeValue } from '../wire/value.ts'
import { createCellArena } from './cell-arena.ts'
import type { Eraser } from './erase.ts'
import { eraseRows } from './lmdb-erase.ts'
import {
  createKeyWriter,
  decodeFields,
  encodeRow,
  eventTimestampOf,
  findFields,
} from './lmdb-rows.ts'
import type { OnlineRow, OnlineStore, PackedRows, ViewRead, WriteOutcome } from './online-store.ts'
import { unpackRows } from './packed-rows.ts'
import { featureId } from './redis-rows.ts'

/**
 * The online store in an LMDB file: rows are read in place in microseconds, several processes may
 * share it, and a write has been fsynced when its promise resolves.
 */
export function openLmdbStore(directory: string, project: string): OnlineStore & Eraser {
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
  const keyOf = createKeyWriter()
  const kept = createRowArena()
  const reserveCells = createCellArena()
  let closed = false

  /** Compares and sets inside LMDB's single write transaction, so that no writer can come between. */
  function writeRow(view: string, row: OnlineRow): WriteOutcome {
    const key = keyOf(viewBytes(view), row.entityKey)
    const stored = rows.get(key)
    if (stored !== undefined && row.eventTimestamp <= eventTimestampOf(stored)) return 'older'
    const fields = stored === undefined ? new Map<number, Buffer>() : decodeFields(stored)
    for (const [feature, value] of row.values)
      fields.set(featureId(view, feature), encodeValue(value))
    void rows.put(key, encodeRow({ eventTimestamp: row.eventTimestamp, fields }))
    return 'written'
  }

  function pack({ view, features, keys }: ViewRead): PackedRows {
    const name = viewBytes(view)
    const ids = idsOf(view, features)
    const stride = 2 * ids.length
    const { cells, first } = reserveCells(stride * keys.length)
    const times = keys.map(() => Number.NaN)
    const buffers = keys.map((key, index) => {
      const at = first + index * stride
      // Valid until the next get only, which is why the row is copied here and now.
      const stored = rows.getBinaryFast(keyOf(name, key))
      if (stored === undefined) {
        cells.fill(-1, at, at + stride)
        return EMPTY
      }
      const start = kept.keep(stored)
      times[index] = eventTimestampOf(stored)
      findFields(kept.buffer, start, start + stored.length, ids, cells, at)
      return kept.buffer
    })
    return { buffers, cells, first, stride, times }
  }

  function readPacked(reads: readonly ViewRead[], signal: AbortSignal): readonly PackedRows[] {
    assertOpen(signal)
    try {
      // Otherwise the snapshot may be as old as the last turn of the event loop.
      root.resetReadTxn()
      return reads.map(pack)
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  function assertOpen(signal: AbortSignal): void {
    signal.throwIfAborted()
    if (closed) throw new ServiceError('store_unavailable', 'the online store is closed')
  }

  return {
    readPacked,

    read: async (reads, signal) => unpackRows(reads, readPacked(reads, signal)),

    async write(view, batch, signal) {
      assertOpen(signal)
      try {
        return await rows.transaction(() => batch.map((row) => writeRow(view, row)))
      } catch (cause) {
        throw unavailable(cause)
      }
    },

    async deleteProject(signal) {
      assertOpen(signal)
      return await eraseRows(rows, undefined)
    },

    async deleteView({ view }, signal) {
      assertOpen(signal)
      return await eraseRows(rows, viewBytes(view))
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

const EMPTY = Buffer.alloc(0)
const ARENA_BYTES = 262_144

interface RowArena {
  /** Where the last row kept lies. */
  readonly buffer: Buffer
  /** Copies a row into `buffer`; returns where it begins there. */
  keep(row: Buffer): number
}

/** Room for the rows of many requests: what is allocated outside the heap makes V8 collect all of it. */
function createRowArena(): RowArena {
  let buffer = EMPTY
  let used = 0
  return {
    get buffer() {
      return buffer
    },
    keep(row) {
      if (used + row.length > buffer.length) {
        buffer = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, row.length))
        used = 0
      }
      const start = used
      // What lmdb answers is one long buffer of its own whose `length` alone is the row's: without an end,
      // copy would take it whole.
      used += row.copy(buffer, start, 0, row.length)
      return start
    },
  }
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
