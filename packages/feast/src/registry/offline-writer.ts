import type { Value, ValueType } from '../wire/value.ts'
import type { BatchSource, FeatureView } from './definitions.ts'

/** One column of rows for history, every value found to fit its type. */
export type OfflineColumn =
  | {
      readonly name: string
      /** Of a join key or a feature. */
      readonly valueType: ValueType
      readonly values: readonly Value[]
    }
  | {
      readonly name: string
      /** The event time, or the time a row was created; `values` are epoch milliseconds. */
      readonly valueType: 'INSTANT'
      readonly values: readonly number[]
    }

/** The history of feature views: where `POST /push` to `offline` goes. */
export interface OfflineWriter {
  /**
   * Appends rows to the source of a view, all or none. The columns are all of one length and are the
   * view's join keys, its features, its event time and, where the source has one, the created time;
   * the frame's names, that is before `fieldMapping`.
   * @throws ServiceError `invalid_request` when the source cannot be written or its columns differ,
   *   `store_unavailable`
   */
  append(
    view: FeatureView,
    source: BatchSource,
    columns: readonly OfflineColumn[],
    signal: AbortSignal,
  ): Promise<void>
}
