import { advanceCursor, readCursor } from '@usdcop/database/cursors'
import type { Database, Unlisten } from '@usdcop/database/database'
import { APPENDED, OUTBOX_CHANNEL, readOutbox } from '@usdcop/database/outbox'
import type { Registry } from '@usdcop/feast/registry/definitions'
import { findView } from '@usdcop/feast/registry/registry'
import type { OnlineRow, OnlineStore } from '@usdcop/feast/stores/online-store'
import { singleKeyWriter } from '@usdcop/feast/wire/entity-key'
import type { Value } from '@usdcop/feast/wire/value'
import type { Logger } from '@usdcop/service/log'
import type { BarClosed } from './bar-closed.ts'
import { createNap } from './nap.ts'

/** Consumers behind this one see an event once its online rows are written. */
export const ONLINE_WRITER = 'online-writer'

const BATCH = 500
/** The net under notifications, and the pause after a failure. */
const POLL_MS = 250

export interface OnlineWriterDeps {
  readonly db: Database
  readonly store: OnlineStore
  readonly registry: Registry
}

export interface OnlineWriter {
  /** Writes one batch of outbox events to the online store; returns how many there were. */
  write(signal: AbortSignal): Promise<number>
}

/**
 * Rows first, then the cursor: a crash in between writes the same rows again, and they lose to
 * themselves. For the same reason the writer may remember its place, wherever another one has moved
 * the cursor meanwhile.
 */
export function createOnlineWriter({ db, store, registry }: OnlineWriterDeps): OnlineWriter {
  const technical = findView(registry, 'technical_features').features.map(({ name }) => name)
  const macro = findView(registry, 'macro_features').features.map(({ name }) => name)
  let position: number | undefined
  return {
    async write(signal) {
      position ??= await readCursor(db, ONLINE_WRITER, signal)
      const events = await readOutbox(db, position, BATCH, null, signal)
      const last = events.at(-1)
      if (last === undefined) return 0
      const bars = events.map(({ payload }) => payload as BarClosed)
      const technicalRows = bars.map((bar) =>
        onlineRow(bar.symbol, bar.availableAt, technical, bar.technical),
      )
      const macroRows = bars.map((bar) =>
        onlineRow(bar.symbol, bar.macroReleasedAt, macro, bar.macro),
      )
      await Promise.all([
        store.write('technical_features', technicalRows, signal),
        store.write('macro_features', macroRows, signal),
      ])
      await advanceCursor(db, ONLINE_WRITER, last.id, signal)
      position = last.id
      return events.length
    },
  }
}

const keyOf = singleKeyWriter('symbol')

function onlineRow(
  symbol: string,
  eventTimestamp: number,
  features: readonly string[],
  values: readonly (number | null)[],
): OnlineRow {
  const cells = features.map((name, i): [string, Value] => {
    const value = values[i] ?? null
    return [name, value === null ? null : { type: 'DOUBLE', value }]
  })
  const entityKey = keyOf({ type: 'STRING', value: symbol })
  return { entityKey, eventTimestamp, values: new Map(cells) }
}

/**
 * Follows the outbox until the signal, woken by notifications, with polling as the net. A failed
 * batch is logged and tried again; nothing is skipped.
 */
export async function followOutbox(
  deps: OnlineWriterDeps,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const nap = createNap()
  const writer = createOnlineWriter(deps)
  let unlisten: Unlisten | undefined
  const onNotify = (payload: string): void => {
    if (payload === APPENDED) nap.wake()
  }
  async function attempt(): Promise<number> {
    unlisten ??= await deps.db.listen(OUTBOX_CHANNEL, onNotify, signal)
    return await writer.write(signal)
  }
  try {
    while (!signal.aborted) {
      const written = await attempt().catch((error: unknown) => {
        if (!signal.aborted)
          logger.error({ err: error }, 'online rows were not written; trying again')
        return 0
      })
      if (written < BATCH) await nap.rest(POLL_MS, signal)
    }
  } finally {
    await unlisten?.()
  }
}
