import { newestBarTimes } from '@usdcop/database/bars'
import { readCursor } from '@usdcop/database/cursors'
import type { Database } from '@usdcop/database/database'
import { newestOutboxId } from '@usdcop/database/outbox'
import { readRejections } from '@usdcop/database/rejections'
import { readSeals } from '@usdcop/database/sealed-sessions'
import { ONLINE_WRITER } from './online-writer.ts'
import type { StatusReader } from './routes/status.ts'

/** Reads the status from the tables: it is true whichever process answers. */
export function createStatusReader(db: Database, definitionHash: string): StatusReader {
  return async (signal) => {
    const newest = await newestBarTimes(db, signal)
    const online = await readCursor(db, ONLINE_WRITER, signal)
    const seals = await readSeals(db, 'technical_features', signal)
    return {
      definitionHash,
      symbols: newest.map(({ symbol, barTime }) => ({
        symbol,
        lastBar: new Date(barTime).toISOString(),
      })),
      rejected: await readRejections(db, signal),
      onlineLag: (await newestOutboxId(db, signal)) - online,
      lastSealedSession: seals.at(-1)?.session ?? null,
    }
  }
}
