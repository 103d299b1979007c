import type { StoredRow } from '../stores/online-store.ts'
import { jsonValue } from '../wire/json-text.ts'
import { formatTimestamp } from '../wire/timestamp.ts'
import type { Value } from '../wire/value-types.ts'
import { cellOf } from './cell.ts'
import type { EntityRows, KeyedRead } from './entity-rows.ts'
import type { Plan, PlannedView } from './plan.ts'
import { outlived, type Serving, type Status } from './ttl.ts'

/** One column of a reply that is put together from values, one cell a row. */
export interface ResultColumn {
  readonly name: string
  readonly values: readonly Value[]
  readonly statuses: readonly Status[]
  /** Epoch milliseconds. */
  readonly times: readonly number[]
}

/** The request's own join keys: always there, and as old as the epoch, as in Feast. */
export function joinKeyColumns(rows: EntityRows): ResultColumn[] {
  return [...rows.columns].map(([name, values]) => presentColumn(name, values))
}

export function presentColumn(name: string, values: readonly Value[]): ResultColumn {
  return {
    name,
    values,
    statuses: values.map(() => 'PRESENT' as const),
    times: values.map(() => 0),
  }
}

/** Every feature of a planned view, named as the view has it: those that are only inputs come last. */
export function viewColumns(
  { view, features }: PlannedView,
  read: KeyedRead,
  stored: readonly (StoredRow | undefined)[],
  rows: EntityRows,
  { now, serving }: { readonly now: number; readonly serving: Serving },
): ResultColumn[] {
  const found = Array.from({ length: rows.count }, (_, row) => stored[read.keyOfRow?.[row] ?? row])
  const times = found.map((row) => row?.eventTimestamp ?? 0)
  return features.map((name, feature) => {
    const cells = found.map((row) => {
      const old = row !== undefined && outlived(row.eventTimestamp, view.ttlMs, now)
      return cellOf(row, row?.values[feature], old, serving)
    })
    const statuses = cells.map(({ status }) => status)
    return { name, values: cells.map(({ value }) => value), statuses, times }
  })
}

/** The body of `/get-online-features` of these columns, key for key as Feast prints it. */
export function writeColumns(
  columns: readonly ResultColumn[],
  plan: Plan,
  viewMetadata: boolean,
): Buffer {
  const results = columns.map(({ values, statuses, times }) => {
    const told = statuses.map((status) => `"${status}"`).join(',')
    const timed = times.map((time) => `"${formatTimestamp(time)}"`).join(',')
    const eventTimestamps = timed === '' ? '' : `,"event_timestamps":[${timed}]`
    return `{"values":[${values.map(jsonValue).join(',')}],"statuses":[${told}]${eventTimestamps}}`
  })
  const names = columns.map(({ name }) => JSON.stringify(name)).join(',')
  const views = viewMetadata ? `,"feature_view_metadata":[${viewMetadataOf(plan)}]` : ''
  return Buffer.from(
    `{"results":[${results.join(',')}],"metadata":{"feature_names":[${names}]${views}}}`,
  )
}

/** The views of a reply, each once; Feast leaves a version out while it is 0. */
export function viewMetadataOf({ views }: Plan): string {
  const versions = new Map<string, number>()
  for (const { label, view } of views)
    if (!versions.has(label)) versions.set(label, view.version ?? 0)
  const entries = [...versions].map(([name, version]) => {
    const told = version > 0 ? `,"version":${version}` : ''
    return `{"name":${JSON.stringify(name)}${told}}`
  })
  return entries.join(',')
}
