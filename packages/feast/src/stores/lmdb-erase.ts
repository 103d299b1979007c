import { ServiceError } from '@usdcop/service/errors'
import type { Database } from 'lmdb'

/** Erases a view's rows, or all; a view's keys begin with its name and a zero byte. */
export async function eraseRows(
  rows: Database<Buffer, Buffer>,
  view: Buffer | undefined,
): Promise<number> {
  const range = view && {
    start: Buffer.concat([view, Buffer.from([0])]),
    end: Buffer.concat([view, Buffer.from([1])]),
  }
  try {
    return await rows.transaction(() => {
      let erased = 0
      for (const key of Array.from(rows.getKeys(range))) {
        void rows.remove(key)
        erased += 1
      }
      return erased
    })
  } catch (cause) {
    throw new ServiceError('store_unavailable', 'the online store does not answer', { cause })
  }
}
