import type { BarRow } from '@usdcop/database/bars'
import type { FeatureRecord } from '@usdcop/database/feature-rows'
import type { SealedSession } from '@usdcop/database/sealed-sessions'

/** A bar and the row it became, as the offline store keeps them. */
export interface OfflineRow {
  readonly bar: BarRow
  readonly row: FeatureRecord
}

/** `history` came by a back-fill and is in no table; `live` is sealed from SQL. A session may have both. */
export type Part = 'history' | 'live'

/** The offline store as the materializer writes it: Parquet files of whole sessions. */
export interface OfflineWriter {
  /**
   * Writes the given sessions of every dataset and answers what was written. Files appear whole, under
   * names that follow from session and part, so writing a session again replaces its files.
   */
  seal(
    part: Part,
    rows: readonly OfflineRow[],
    signal: AbortSignal,
  ): Promise<readonly SealedSession[]>
}
