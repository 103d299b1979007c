import type { BarRow } from '@usdcop/database/bars'
import type { FeatureRecord } from '@usdcop/database/feature-rows'
import type { SealedSession } from '@usdcop/database/sealed-sessions'
import { type Contract, MARKET_FEATURES } from '@usdcop/observation/contract'
import {
  macroReleases,
  type ObservedBar,
  observationDatasets,
} from '@usdcop/offline-store/datasets'
import type { OfflineStore } from '@usdcop/offline-store/seal'

/** A bar and the row it became. */
export interface BarWithRow {
  readonly bar: BarRow
  readonly row: FeatureRecord
}

/** The offline store as the materializer writes it: bars, technical and macro features by session. */
export interface OfflineWriter {
  /** Writes one finished session to files of its own; again, it replaces its rows. */
  session(
    session: string,
    rows: readonly BarWithRow[],
    signal: AbortSignal,
  ): Promise<readonly SealedSession[]>
  /** Writes many whole sessions at once, to a file a month. */
  history(rows: readonly BarWithRow[], signal: AbortSignal): Promise<readonly SealedSession[]>
}

/** @param wallNow epoch ms; what rows say of when they were made */
export function createOfflineWriter(
  store: OfflineStore,
  contract: Contract,
  wallNow: () => number,
): OfflineWriter {
  const datasets = observationDatasets(contract.names.slice(0, MARKET_FEATURES))
  const observed = (rows: readonly BarWithRow[]): ObservedBar[] => {
    const createdAt = wallNow()
    return rows.map(({ bar, row }) => ({
      ...bar,
      ...row,
      definitionHash: contract.definitionHash,
      createdAt,
    }))
  }
  return {
    async session(session, rows, signal) {
      const bars = observed(rows)
      return [
        await store.seal(datasets.bars, session, bars, signal),
        await store.seal(datasets.technical, session, bars, signal),
        await store.seal(datasets.macro, session, macroReleases(bars), signal),
      ]
    },
    async history(rows, signal) {
      const bars = observed(rows)
      return [
        ...(await store.sealMany(datasets.bars, bars, signal)),
        ...(await store.sealMany(datasets.technical, bars, signal)),
        ...(await store.sealMany(datasets.macro, macroReleases(bars), signal)),
      ]
    },
  }
}
