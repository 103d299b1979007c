import type { Contract } from './contract.ts'
import { ObservationError } from './errors.ts'
import { checkHeader, HEADER_BYTES, writeHeader } from './state.ts'

/** Where each number of a symbol's state lies; the ring of closes follows the last of them. */
export const AT = {
  /** Bars accepted so far. */
  count: 0,
  lastTime: 1,
  lastHigh: 2,
  lastLow: 3,
  lastClose: 4,
  rsiGain: 5,
  rsiLoss: 6,
  atr: 7,
  plusDm: 8,
  minusDm: 9,
  trueRange: 10,
  /** The sum of the first DX values until the first ADX, then the ADX. */
  adx: 11,
  /** Sessions in which a bar was accepted: entries of the seen list. */
  sessions: 12,
  closes: 13,
} as const

/**
 * All that the next row of one symbol depends on, in one buffer, so that saving is one copy.
 *
 *   header | Float64: the numbers of AT, then the ring of closes | Int32: the seen list
 *
 * The seen list has an entry for each session, in ascending order: its day, then one bit a bar
 * slot. With it a repeated bar is told from a late one however old it is; it grows by 12 bytes
 * a session.
 */
export class SymbolState {
  readonly #ringLength: number
  readonly #entryWords: number
  #buffer: ArrayBuffer
  /** Read and written by the indicators at the offsets of AT. */
  numbers: Float64Array
  #seen: Int32Array

  constructor(contract: Contract, barsPerSession: number) {
    const lags = contract.definition.features.map((f) => (f.kind === 'log_return' ? f.lagBars : 0))
    this.#ringLength = Math.max(...lags)
    this.#entryWords = 1 + Math.ceil(barsPerSession / 32)
    this.#buffer = new ArrayBuffer(this.#fixedBytes + 16 * 4 * this.#entryWords)
    this.numbers = new Float64Array(this.#buffer, HEADER_BYTES, AT.closes + this.#ringLength)
    this.#seen = new Int32Array(this.#buffer, this.#fixedBytes)
    writeHeader(contract, 'symbol', this.#buffer)
  }

  /** A state from saved bytes. Throws on bytes of another definition or no symbol state. */
  static restore(contract: Contract, barsPerSession: number, bytes: Uint8Array): SymbolState {
    checkHeader(contract, 'symbol', bytes)
    const state = new SymbolState(contract, barsPerSession)
    if (bytes.byteLength < state.#fixedBytes)
      throw new ObservationError('state_invalid', 'the symbol state is cut short')
    state.#adopt(new Uint8Array(bytes).buffer)
    if (bytes.byteLength !== state.#usedBytes)
      throw new ObservationError(
        'state_invalid',
        'the symbol state has another length than it says',
      )
    return state
  }

  /** A copy of everything; `restore` makes an equal state of it. */
  save(): Uint8Array {
    return new Uint8Array(this.#buffer.slice(0, this.#usedBytes))
  }

  /** The close `lag` bars before the bar about to be accepted; NaN when there is none. */
  closeBefore(lag: number): number {
    // As an integer: the remainder of doubles is ten times slower.
    const index = (this.numbers[AT.count]! - lag) | 0
    return index < 0 ? Number.NaN : this.numbers[AT.closes + (index % this.#ringLength)]!
  }

  /** Appends a close and counts the bar. */
  pushClose(close: number): void {
    const index = this.numbers[AT.count]! | 0
    this.numbers[AT.closes + (index % this.#ringLength)] = close
    this.numbers[AT.count] = index + 1
  }

  /** Whether the bar in `slot` of session `day` was accepted before. */
  hasSeen(day: number, slot: number): boolean {
    let low = 0
    let high = this.numbers[AT.sessions]! - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const entry = middle * this.#entryWords
      const found = this.#seen[entry]!
      if (found === day) return (this.#seen[entry + 1 + (slot >>> 5)]! & (1 << (slot & 31))) !== 0
      if (found < day) low = middle + 1
      else high = middle - 1
    }
    return false
  }

  /** Remembers an accepted bar; `day` is the newest session or a later one. */
  markSeen(day: number, slot: number): void {
    let entry = (this.numbers[AT.sessions]! - 1) * this.#entryWords
    if (entry < 0 || this.#seen[entry] !== day) {
      entry += this.#entryWords
      if (entry === this.#seen.length) this.#grow()
      this.#seen[entry] = day
      this.numbers[AT.sessions]!++
    }
    this.#seen[entry + 1 + (slot >>> 5)]! |= 1 << (slot & 31)
  }

  get #fixedBytes(): number {
    return HEADER_BYTES + 8 * (AT.closes + this.#ringLength)
  }

  get #usedBytes(): number {
    return this.#fixedBytes + 4 * this.#entryWords * this.numbers[AT.sessions]!
  }

  #grow(): void {
    const larger = new ArrayBuffer(this.#fixedBytes + 8 * this.#seen.length)
    new Uint8Array(larger).set(new Uint8Array(this.#buffer))
    this.#adopt(larger)
  }

  #adopt(buffer: ArrayBuffer): void {
    this.#buffer = buffer
    this.numbers = new Float64Array(buffer, HEADER_BYTES, AT.closes + this.#ringLength)
    this.#seen = new Int32Array(buffer, this.#fixedBytes)
  }
}
