import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Where rows live: `<directory>/<dataset>/session=<partition>/part-0.parquet`. A partition is a
 * session, `2025-06-30`, or a month of back-filled history, `2025-06`: a file a session would be
 * thousands of tiny files. A session with a file of its own is read from there alone, whatever its
 * month's file says of it.
 */
export interface Partition {
  readonly name: string
  readonly month: string
  /** `YYYY-MM-DD`, or null for a month. */
  readonly session: string | null
  /** Relative to the store's directory. */
  readonly file: string
}

/** Unfinished files live here, on the same filesystem, and die here. */
export const SEALING = '.sealing'

const PARTITION = /^session=(\d{4}-\d{2})(-\d{2})?$/

export const partitionFile = (dataset: string, name: string): string =>
  join(dataset, `session=${name}`, 'part-0.parquet')

/** The session of an instant: sessions lie within one UTC day. */
export const sessionOf = (epochMs: number): string => new Date(epochMs).toISOString().slice(0, 10)

export const monthOf = (session: string): string => session.slice(0, 7)

/** The instants a partition spans, epoch ms: from inclusive, to exclusive. */
export function spanOf(partition: string): { readonly from: number; readonly to: number } {
  const [year = 0, month = 0, day] = partition.split('-').map(Number)
  const from = Date.UTC(year, month - 1, day ?? 1)
  return {
    from,
    to: day === undefined ? Date.UTC(year, month) : Date.UTC(year, month - 1, day + 1),
  }
}

/** A dataset's partitions, by month and session; none when nothing was ever sealed. */
export async function listPartitions(directory: string, dataset: string): Promise<Partition[]> {
  const found = readdir(join(directory, dataset))
  const names: string[] = await found.catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.toSorted().flatMap((folder) => {
    const [, month, day] = PARTITION.exec(folder) ?? []
    if (month === undefined) return []
    const session = day === undefined ? null : month + day
    const name = session ?? month
    return { name, month, session, file: partitionFile(dataset, name) }
  })
}
