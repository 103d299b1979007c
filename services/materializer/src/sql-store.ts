import { insertBars } from '@usdcop/database/bars'
import {
  advanceCheckpoint,
  advanceVersion,
  readCheckpoint,
  saveCheckpoint,
} from '@usdcop/database/checkpoint'
import type { Database, Queryable } from '@usdcop/database/database'
import { insertFeatureRows } from '@usdcop/database/feature-rows'
import { upsertMacroValues } from '@usdcop/database/macro-values'
import { appendOutbox } from '@usdcop/database/outbox'
import { loadReducerState, saveMacroState, saveSymbolState } from '@usdcop/database/reducer-state'
import { countRejections } from '@usdcop/database/rejections'
import { reopenSessions } from '@usdcop/database/sealed-sessions'
import { barClosed } from './bar-closed.ts'
import type { Commit, MaterializerStore } from './store.ts'

// Checkpoints of our own begin with a colon, which no source may have in its name.

/** Its bar time is the domain instant at which usable macro values last changed. */
const MACRO_CHANGED = ':macro_changed'

/** Its position counts commits: whoever commits must have seen the one before. */
export const WRITER = ':materializer'

/** The materializer's tables; `definitionHash` names the definition its rows and state belong to. */
export function createSqlStore(db: Database, definitionHash: string): MaterializerStore {
  let version = 0
  return {
    async load(signal) {
      version = (await readCheckpoint(db, WRITER, signal))?.position ?? 0
      const { symbols, macro } = await loadReducerState(db, definitionHash, signal)
      if (macro === undefined) return { symbols, macro }
      const changed = await readCheckpoint(db, MACRO_CHANGED, signal)
      return { symbols, macro: { timeline: macro, changedAt: changed?.barTime ?? 0 } }
    },

    async commit(commit, signal) {
      version = await db.transaction(async (tx) => {
        const next = await advanceVersion(tx, WRITER, version, signal)
        await saveInput(tx, commit, signal)
        await saveRows(tx, commit, definitionHash, signal)
        await saveState(tx, commit, definitionHash, signal)
        const events = commit.accepted.map((accepted) => ({
          topic: 'bar_closed',
          payload: barClosed(accepted, definitionHash),
        }))
        await appendOutbox(tx, events, signal)
        return next
      }, signal)
    },
  }
}

async function saveInput(tx: Queryable, commit: Commit, signal: AbortSignal): Promise<void> {
  const { source, accepted, rejected, macro } = commit
  const bars = accepted.map(({ bar, row }) => ({ ...bar, session: row.session }))
  await insertBars(tx, source, bars, signal)
  await countRejections(tx, source, new Map(Object.entries(rejected)), signal)
  await upsertMacroValues(tx, macro, signal)
}

/** A session that was sealed already and gets another row is sealed once more. */
async function saveRows(
  tx: Queryable,
  { accepted, reopened }: Commit,
  definitionHash: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = accepted.map(({ row, macroAt }) => ({ ...row, macroReleasedAt: macroAt }))
  await insertFeatureRows(tx, definitionHash, rows, signal)
  await reopenSessions(tx, reopened, signal)
}

async function saveState(
  tx: Queryable,
  { source, accepted, rejected, state: { symbols, macro } }: Commit,
  definitionHash: string,
  signal: AbortSignal,
): Promise<void> {
  for (const [symbol, bytes] of symbols)
    await saveSymbolState(tx, definitionHash, symbol, bytes, signal)
  if (macro !== undefined) {
    await saveMacroState(tx, definitionHash, macro.timeline, signal)
    await saveCheckpoint(tx, MACRO_CHANGED, { barTime: macro.changedAt, position: 0 }, signal)
  }
  const rows = Object.values(rejected).reduce((sum, count) => sum + count, accepted.length)
  if (rows === 0) return
  const times = accepted.map(({ bar }) => bar.barTime)
  const barTime = times.length === 0 ? null : Math.max(...times)
  await advanceCheckpoint(tx, source, { barTime, rows }, signal)
}
