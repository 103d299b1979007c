import { createCellArena, type Reserved } from './cell-arena.ts'

/** The fields to ask a hash for, as ioredis wants them and as the end of an HMGET on the wire. */
export interface FieldList {
  readonly fields: readonly Buffer[]
  readonly wire: Buffer
}

/** The same fields of several hashes. */
export interface HashAsk {
  /** Entity keys, the project not yet behind them. */
  readonly keys: readonly Buffer[]
  readonly list: FieldList
}

/** The answer to one HashAsk: pairs of start and end, `2 * fields` numbers a key; -1 is no such field. */
export interface Hashes extends Reserved {
  readonly buffers: Buffer[]
}

/** Whoever fetches hashes: our own read lane, or plain ioredis. Fails as an OnlineStore does. */
export interface HashSource {
  fetch(asks: readonly HashAsk[], signal: AbortSignal): Promise<readonly Hashes[]>
}

const reserveCells = createCellArena()

export function emptyHashes({ keys, list }: HashAsk): Hashes {
  const { cells, first } = reserveCells(2 * keys.length * list.fields.length)
  return { buffers: [], cells, first }
}
