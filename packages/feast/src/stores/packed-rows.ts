import { decodeValue } from '../wire/value.ts'
import type { PackedRows, StoredRow, ViewRead } from './online-store.ts'

/** What `read` answers, from what `readPacked` does. Nothing in the result points into the buffers. */
export function unpackRows(
  reads: readonly ViewRead[],
  packed: readonly PackedRows[],
): (StoredRow | undefined)[][] {
  return packed.map((rows, index) => {
    const featureCount = reads[index]?.features.length ?? 0
    return rows.buffers.map((_, key) => unpackRow(rows, key, featureCount))
  })
}

function unpackRow(
  { buffers, cells, first, stride, times }: PackedRows,
  key: number,
  featureCount: number,
): StoredRow | undefined {
  const eventTimestamp = times[key] as number
  if (Number.isNaN(eventTimestamp)) return undefined
  const values: StoredRow['values'][number][] = []
  for (let feature = 0; feature < featureCount; feature++) {
    const at = first + key * stride + 2 * feature
    const start = cells[at] as number
    const bytes = start < 0 ? undefined : buffers[key]?.subarray(start, cells[at + 1])
    values.push(bytes && decodeValue(bytes))
  }
  return { eventTimestamp, values }
}
