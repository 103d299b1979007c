/** So many numbers in a row from `first` on in `cells`, all of them 0. */
export interface Reserved {
  readonly cells: Int32Array
  readonly first: number
}

const ARENA_CELLS = 65_536

/**
 * Room for where the values of many requests lie; none is used twice. An array for each request would be
 * allocated outside the heap, which makes V8 collect all of it.
 */
export function createCellArena(): (count: number) => Reserved {
  let cells = new Int32Array(0)
  let used = 0
  return (count) => {
    if (used + count > cells.length) {
      cells = new Int32Array(Math.max(ARENA_CELLS, count))
      used = 0
    }
    const first = used
    used += count
    return { cells, first }
  }
}
