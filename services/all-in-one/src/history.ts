import { newestBarTimes } from '@usdcop/database/bars'
import { readCheckpoint } from '@usdcop/database/checkpoint'
import type { Database } from '@usdcop/database/database'
import { loadReducerState } from '@usdcop/database/reducer-state'
import { backfill } from '@usdcop/materializer/backfill'
import type { Contract } from '@usdcop/observation/contract'
import { ServiceError } from '@usdcop/service/errors'
import type { ReadyReport, StartReport } from '@usdcop/service/start-report'
import type { ReplayPlan } from './replay-plan.ts'
import type { Stores } from './stores.ts'

/** Under this name the back-fill keeps its checkpoint. */
const HISTORY = 'history'

/**
 * How far the stores are: the label of their newest bar, if they have any; undefined before the
 * history is loaded.
 * @throws ServiceError `contract_mismatch` when they were filled under another definition
 */
export async function readProgress(
  db: Database,
  { definitionHash }: Contract,
  signal: AbortSignal,
): Promise<{ readonly newest: number | undefined } | undefined> {
  if ((await readCheckpoint(db, HISTORY, signal)) === undefined) return undefined
  // Going on would begin with an empty reducer, as if there were no history.
  if ((await loadReducerState(db, definitionHash, signal)).macro === undefined)
    throw new ServiceError(
      'contract_mismatch',
      'the data directory was filled under another definition of the features; --fresh fills it anew',
    )
  const times = (await newestBarTimes(db, signal)).map(({ barTime }) => barTime)
  return { newest: times.length === 0 ? undefined : Math.max(...times) }
}

/** Back-fills what comes before the replay, all of it or nothing. */
export async function loadHistory(
  { db, offline }: Stores,
  contract: Contract,
  { history }: ReplayPlan,
  report: (report: StartReport) => void,
  signal: AbortSignal,
): Promise<NonNullable<ReadyReport['backfilled']>> {
  const startedAt = performance.now()
  const total = history.bars.length
  report({ kind: 'backfill', done: 0, total })
  const macro = history.macro.map(({ series, date, value }) => ({ series, date, value }))
  const { accepted, rejected } = await backfill(
    { db, offline, contract },
    { source: HISTORY, bars: history.bars, macro },
    signal,
  )
  report({ kind: 'backfill', done: total, total })
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0)
  return { bars: accepted, rejected: refused, seconds: (performance.now() - startedAt) / 1_000 }
}
