import type { FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import { storedName } from '@usdcop/feast/serving/references'
import type { OnlineRow, OnlineStore } from '@usdcop/feast/stores/online-store'
import type { FeatureServerMetrics } from './metrics.ts'

/** Writes the rows of one view and counts what became of them. */
export async function writeRows(
  { store, metrics }: { readonly store: OnlineStore; readonly metrics: FeatureServerMetrics },
  registry: Registry,
  view: FeatureView,
  rows: readonly OnlineRow[],
  signal: AbortSignal,
): Promise<void> {
  if (rows.length === 0) return
  const outcomes = await store.write(storedName(registry, view), rows, signal)
  const older = outcomes.filter((outcome) => outcome === 'older').length
  if (older > 0) metrics.olderRows.inc({ feature_view: view.name }, older)
  metrics.seen(
    view.name,
    rows.reduce((newest, { eventTimestamp }) => Math.max(newest, eventTimestamp), -Infinity),
  )
}
