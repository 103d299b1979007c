import { advanceCursor, readCursor } from '@usdcop/database/cursors'
import type { Database } from '@usdcop/database/database'
import { OUTBOX_CHANNEL, readOutbox } from '@usdcop/database/outbox'
import type { Outbox } from '../outbox.ts'

export const GATEWAY_CONSUMER = 'gateway'
/** Writes the online rows; an event is the gateway's only once its rows can be read. */
const AHEAD_OF_US = 'online-writer'

/** The outbox in SQL. The subscription lives until the signal, or until it is ended. */
export function createSqlOutbox(database: Database, signal: AbortSignal): Outbox {
  return {
    cursor: (until) => readCursor(database, GATEWAY_CONSUMER, until),
    advance: (position, until) => advanceCursor(database, GATEWAY_CONSUMER, position, until),
    pending: (after, limit, until) => readOutbox(database, after, limit, AHEAD_OF_US, until),
    watch: (onNews) =>
      database.listen(OUTBOX_CHANNEL, (who) => who === AHEAD_OF_US && onNews(), signal),
  }
}
