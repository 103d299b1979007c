import type { Hashes } from '../hash-source.ts'

/** What some replies answer: HMGETs of the same fields, one a row. */
export interface Expected {
  readonly rows: number
  readonly width: number
  /** Filled row by row. */
  readonly hashes: Hashes
  /** The server refused this row; its cells say nothing. */
  failed(row: number, message: string): void
}

const ERROR = 0x2d
const ARRAY = 0x2a
const BULK = 0x24
const MINUS = 0x2d
const CR = 0x0d
const EMPTY = Buffer.alloc(0)

/**
 * Reads the stream of replies to pipelined HMGETs (RESP2). Nothing is copied while a row lies in one
 * chunk, and cells are only noted by place, so chunks must not be written to any more.
 *
 * @param next whose replies come next; asked when the ones before are complete
 * @param done told when all rows of one are there
 * @returns takes a chunk; throws an Error on anything but such a reply, after which nothing that comes
 *   can be trusted
 */
export function createReplyParser(
  next: () => Expected | undefined,
  done: () => void,
): (chunk: Buffer) => void {
  let buffer: Buffer = EMPTY
  let end = 0
  let at = 0
  let rowStart = 0
  let expected: Expected | undefined
  let row = 0
  /** Cells of the row read so far; -1 before its head. */
  let cell = -1
  let number = 0

  /** Reads the number behind a type byte; answers where its line ends, or -1 when that has not come. */
  function readLine(from: number): number {
    let position = from + 1
    const negative = buffer[position] === MINUS
    if (negative) position++
    number = 0
    for (; position < end; position++) {
      const byte = buffer[position] as number
      if (byte === CR) break
      if (byte < 0x30 || byte > 0x39) throw unreadable(buffer, from)
      number = number * 10 + byte - 0x30
    }
    if (position + 1 >= end) return -1
    if (negative) number = -number
    return position + 2
  }

  function endRow(of: Expected): void {
    of.hashes.buffers[row] ??= buffer
    row++
    cell = -1
    rowStart = at
    if (row < of.rows) return
    expected = undefined
    row = 0
    done()
  }

  /** The head of a row: its length, or the server's refusal. False when it is not all there. */
  function readHead(of: Expected): boolean {
    if (buffer[at] === ERROR) {
      const close = buffer.indexOf('\r\n', at)
      if (close === -1 || close + 2 > end) return false
      of.failed(row, buffer.toString('utf8', at + 1, close))
      at = close + 2
      of.hashes.buffers[row] = EMPTY
      endRow(of)
      return true
    }
    if (buffer[at] !== ARRAY) throw unreadable(buffer, at)
    const after = readLine(at)
    if (after === -1) return false
    if (number !== of.width) throw unreadable(buffer, at)
    at = after
    cell = 0
    return true
  }

  function readCell(of: Expected): boolean {
    if (buffer[at] !== BULK) throw unreadable(buffer, at)
    const start = readLine(at)
    if (start === -1) return false
    const { cells, first } = of.hashes
    const place = first + 2 * (row * of.width + cell)
    if (number < 0) {
      cells[place] = -1
      at = start
    } else {
      if (start + number + 2 > end) return false
      cells[place] = start
      cells[place + 1] = start + number
      at = start + number + 2
    }
    cell++
    if (cell === of.width) endRow(of)
    return true
  }

  /** A row that goes on in another chunk moves to a buffer with room for it. */
  function append(chunk: Buffer): void {
    if (rowStart === end) {
      buffer = chunk
      end = chunk.length
      at = 0
      rowStart = 0
      return
    }
    if (buffer.length - end < chunk.length) move(end - rowStart + chunk.length)
    chunk.copy(buffer, end)
    end += chunk.length
  }

  function move(needed: number): void {
    const kept = end - rowStart
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * kept, needed))
    buffer.copy(grown, 0, rowStart, end)
    if (expected !== undefined && cell > 0) {
      const { cells, first } = expected.hashes
      const start = first + 2 * row * expected.width
      for (let place = start; place < start + 2 * cell; place++)
        if ((cells[place] as number) >= 0) cells[place] = (cells[place] as number) - rowStart
    }
    buffer = grown
    at -= rowStart
    rowStart = 0
    end = kept
  }

  return (chunk) => {
    append(chunk)
    while (at < end) {
      expected ??= next()
      if (expected === undefined) throw unreadable(buffer, at)
      if (!(cell === -1 ? readHead(expected) : readCell(expected))) return
    }
  }
}

/** Says what kind of reply came, and none of its content. */
function unreadable(buffer: Buffer, at: number): Error {
  const kind = JSON.stringify(String.fromCharCode(buffer[at] as number))
  return new Error(`redis sent a reply that was not asked for (${kind})`)
}
