import { ServiceError } from '@usdcop/service/errors'
import { open } from 'lmdb'
import { encodeValue } from '../wire/value.ts'
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
  const arena = createArena()
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
    const first = arena.reserveCells(stride * keys.length)
    const { cells } = arena
    const buffers: Buffer[] = []
    const times: number[] = []
    let at = first
    for (const key of keys) {
      // Valid until the next get only, which is why the row is copied here and now.
      const stored = rows.getBinaryFast(keyOf(name, key))
      if (stored === undefined) {
        times.push(Number.NaN)
        cells.fill(-1, at, at + stride)
        buffers.push(EMPTY)
      } else {
        const start = arena.keepRow(stored)
        times.push(eventTimestampOf(stored))
        findFields(arena.rows, start, start + stored.length, ids, cells, at)
        buffers.push(arena.rows)
      }
      at += stride
    }
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
const ARENA_CELLS = 65_536

/**
 * Room for the rows of many requests, and for where their values lie: what is allocated outside the heap
 * makes V8 collect all of it.
 */
interface Arena {
  /** Where the last row kept lies. */
  readonly rows: Buffer
  /** Where the last cells reserved are. */
  readonly cells: Int32Array
  /** Copies a row into `rows`; returns where it begins there. */
  keepRow(row: Buffer): number
  /** @returns where so many numbers in a row begin in `cells` */
  reserveCells(count: number): number
}

function createArena(): Arena {
  let rows = EMPTY
  let usedBytes = 0
  let cells = new Int32Array(0)
  let usedCells = 0
  return {
    get rows() {
      return rows
    },
    get cells() {
      return cells
    },
    keepRow(row) {
      if (usedBytes + row.length > rows.length) {
        rows = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, row.length))
        usedBytes = 0
      }
      const start = usedBytes
      // What lmdb answers is one long buffer of its own whose `length` alone is the row's: without an end,
      // copy would take it whole.
      usedBytes += row.copy(rows, start, 0, row.length)
      return start
    },
    reserveCells(count) {
      if (usedCells + count > cells.length) {
        cells = new Int32Array(Math.max(ARENA_CELLS, count))
        usedCells = 0
      }
      const start = usedCells
      usedCells += count
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
