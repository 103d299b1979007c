import type { Value } from '../wire/value.ts'

/** What to read of one view: the named features of the rows under the given entity keys. */
export interface ViewRead {
  readonly view: string
  readonly features: readonly string[]
  /** Entity keys (version 3, no project). Views that share the very same array are read together. */
  readonly keys: readonly Buffer[]
}

/** The newest row of one entity in one view. */
export interface StoredRow {
  /** Epoch milliseconds; the fraction keeps Feast's microseconds. 0 where the store holds none. */
  readonly eventTimestamp: number
  /** In the order asked for; null is a stored null, undefined a feature never written. */
  readonly values: readonly (Value | undefined)[]
}

/**
 * The rows of one ViewRead as the store keeps them, so that whoever prints them decodes each value
 * where it lies. Nobody writes to the buffers any more.
 */
export interface PackedRows {
  /** One a key: where its values lie. */
  readonly buffers: readonly Buffer[]
  /**
   * Start and end of each encoded value: those of feature `f` of key `k` are at
   * `first + k * stride + 2 * f`. A start of -1 is a feature never written.
   */
  readonly cells: Int32Array
  readonly first: number
  readonly stride: number
  /** One a key: event times as in StoredRow; NaN where there is no row. */
  readonly times: readonly number[]
}

/** A row to write; features it does not name keep what they hold, as in Feast. */
export interface OnlineRow {
  readonly entityKey: Buffer
  readonly eventTimestamp: number
  readonly values: ReadonlyMap<string, Value>
}

/** What became of a written row: `older` lost to a row with the same or a newer event time. */
export type WriteOutcome = 'written' | 'older'

/**
 * The online half of a feature store: the newest row per entity and view of one Feast project.
 * Every method rejects with ServiceError `store_unavailable` when the store cannot answer, and with
 * the signal's reason when that fires first.
 */
export interface OnlineStore {
  /** One round trip however many keys and views; result[i][j] is row `keys[j]` of `reads[i]`. */
  read(
    reads: readonly ViewRead[],
    signal: AbortSignal,
  ): Promise<readonly (readonly (StoredRow | undefined)[])[]>
  /** The same rows still encoded, one answer a read; without a promise, or thrown, where nobody is waited for. */
  readPacked(
    reads: readonly ViewRead[],
    signal: AbortSignal,
  ): readonly PackedRows[] | Promise<readonly PackedRows[]>
  /**
   * Compare-and-set, atomic a row: the newest event wins, an equal one is skipped, whoever else writes.
   * Resolves when the rows are as durable as the store makes them (LMDB: on disk).
   */
  write(
    view: string,
    rows: readonly OnlineRow[],
    signal: AbortSignal,
  ): Promise<readonly WriteOutcome[]>
  ping(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
