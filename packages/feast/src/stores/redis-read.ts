import { timestampAt } from '../wire/timestamp.ts'
import type { FieldList, Hashes, HashSource } from './hash-source.ts'
import type { OnlineStore, PackedRows, ViewRead } from './online-store.ts'
import { unpackRows } from './packed-rows.ts'
import { fieldListOf } from './redis-rows.ts'

/** The reading half of the Redis store, whatever fetches its hashes. */
export function createRedisReader(source: HashSource): Pick<OnlineStore, 'read' | 'readPacked'> {
  const listOf = createListCache()

  async function readPacked(
    reads: readonly ViewRead[],
    signal: AbortSignal,
  ): Promise<readonly PackedRows[]> {
    const groups = groupByKeys(reads)
    const hashes = await source.fetch(
      groups.map(({ keys, views }) => ({ keys, list: listOf(views) })),
      signal,
    )
    const rows = new Map<ViewRead, PackedRows>()
    for (const [index, { views }] of groups.entries()) {
      const { buffers, cells } = hashes[index] as Hashes
      const fields = views.reduce((sum, { features }) => sum + features.length + 1, 0)
      let first = 0
      for (const view of views) {
        const place = { buffers, cells, first, stride: 2 * fields }
        rows.set(view, { ...place, times: timesOf(place, view.features.length) })
        first += 2 * (view.features.length + 1)
      }
    }
    return reads.map((read) => rows.get(read) as PackedRows)
  }

  return {
    readPacked,
    read: async (reads, signal) => unpackRows(reads, await readPacked(reads, signal)),
  }
}

interface Group {
  readonly keys: readonly Buffer[]
  readonly views: ViewRead[]
}

/** Views of the same entities share a hash, so one HMGET an entity serves them all. */
function groupByKeys(reads: readonly ViewRead[]): readonly Group[] {
  const groups: Group[] = []
  for (const read of reads) {
    const group = groups.find(({ keys }) => keys === read.keys)
    if (group === undefined) groups.push({ keys: read.keys, views: [read] })
    else group.views.push(read)
  }
  return groups
}

/**
 * The event times behind the features. A row with no field at all does not exist; one without an event
 * time is as old as the epoch, as in Feast.
 */
function timesOf(
  { buffers, cells, first, stride }: Omit<PackedRows, 'times'>,
  featureCount: number,
): number[] {
  let row = first
  return buffers.map((buffer) => {
    const at = row + 2 * featureCount
    const start = cells[at] as number
    const none = start < 0 && !anyField(cells, row, featureCount)
    row += stride
    if (none) return Number.NaN
    return start < 0 ? 0 : timestampAt(buffer, start, cells[at + 1] as number)
  })
}

function anyField(cells: Int32Array, row: number, featureCount: number): boolean {
  for (let feature = 0; feature < featureCount; feature++)
    if ((cells[row + 2 * feature] as number) >= 0) return true
  return false
}

interface Listed {
  readonly views: readonly ViewRead[]
  readonly list: FieldList
}

/** Plans are cached and keep their feature lists, so those lists name what to ask for. */
function createListCache(): (views: readonly ViewRead[]) => FieldList {
  const cache = new WeakMap<readonly string[], Listed>()
  return (views) => {
    const first = (views[0] as ViewRead).features
    const known = cache.get(first)
    if (known !== undefined && sameViews(known.views, views)) return known.list
    const list = fieldListOf(views)
    cache.set(first, {
      views: views.map(({ view, features }) => ({ view, features, keys: [] })),
      list,
    })
    return list
  }
}

function sameViews(one: readonly ViewRead[], other: readonly ViewRead[]): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) {
    const { view, features } = one[index] as ViewRead
    if (other[index]?.features !== features || other[index]?.view !== view) return false
  }
  return true
}
