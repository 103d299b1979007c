import type { StoredRow } from '../stores/online-store.ts'
import { jsonValue } from '../wire/json-text.ts'
import { formatTimestamp } from '../wire/timestamp.ts'
import type { EntityRows, KeyedRead } from './entity-rows.ts'
import type { Plan } from './plan.ts'
import { cellOf, outlived, type Serving, type Status } from './ttl.ts'

export interface ReplyInput {
  readonly plan: Plan
  readonly rows: EntityRows
  /** One a view of the plan. */
  readonly reads: readonly KeyedRead[]
  /** The store's answer to `reads`. */
  readonly stored: readonly (readonly (StoredRow | undefined)[])[]
  /** Domain time, epoch milliseconds. */
  readonly now: number
  readonly serving: Serving
  /** Names the views in the metadata; Feast leaves their version out while it is 0. */
  readonly viewMetadata: boolean
}

export interface Reply {
  readonly text: string
  /** How many values of each view were told under each status. */
  readonly statuses: ReadonlyMap<string, ReadonlyMap<Status, number>>
}

const EPOCH = '"1970-01-01T00:00:00Z"'

/**
 * The body of `/get-online-features`, written directly: column-major, join keys first, and key for key
 * in the order in which Feast prints them.
 */
export function writeReply(input: ReplyInput): Reply {
  const { plan, rows } = input
  const names: string[] = []
  const columns: string[] = []
  const epochs = repeat(EPOCH, rows.count)
  const present = repeat('"PRESENT"', rows.count)
  for (const [joinKey, values] of rows.columns) {
    names.push(JSON.stringify(joinKey))
    columns.push(column(values.map(jsonValue).join(','), present, epochs))
  }
  const statuses = new Map<string, Map<Status, number>>()
  for (const [index, { view, columns: featureNames }] of plan.views.entries()) {
    for (const name of featureNames) names.push(JSON.stringify(name))
    const counts = new Map<Status, number>()
    columns.push(...viewColumns(input, index, counts))
    statuses.set(view.name, counts)
  }
  const views = plan.views.map(({ view }) => `{"name":${JSON.stringify(view.name)}}`)
  const metadata = input.viewMetadata ? `,"feature_view_metadata":[${views.join(',')}]` : ''
  const head = `{"results":[${columns.join(',')}],"metadata":{"feature_names":[${names.join(',')}]`
  return { text: `${head}${metadata}}}`, statuses }
}

function viewColumns(input: ReplyInput, index: number, counts: Map<Status, number>): string[] {
  const { plan, rows, reads, stored, now, serving } = input
  const { view, features } = plan.views[index] as Plan['views'][number]
  const keyOfRow = reads[index]?.keyOfRow
  const found = stored[index] ?? []
  const of = (row: number) => found[keyOfRow?.[row] ?? row]

  const olds: boolean[] = []
  let times = ''
  for (let row = 0; row < rows.count; row++) {
    const stored = of(row)
    olds.push(stored !== undefined && outlived(stored.eventTimestamp, view.ttlMs, now))
    const time = stored === undefined ? EPOCH : `"${formatTimestamp(stored.eventTimestamp)}"`
    times += row === 0 ? time : `,${time}`
  }
  return features.map((_, feature) => {
    let values = ''
    let told = ''
    for (let row = 0; row < rows.count; row++) {
      const stored = of(row)
      const cell = cellOf(stored, stored?.values[feature], olds[row] as boolean, serving)
      const comma = row === 0 ? '' : ','
      values += comma + jsonValue(cell.value)
      told += `${comma}"${cell.status}"`
      counts.set(cell.status, (counts.get(cell.status) ?? 0) + 1)
    }
    return column(values, told, times)
  })
}

/** Feast leaves the key out when there are no times. */
function column(values: string, statuses: string, times: string): string {
  const eventTimestamps = times === '' ? '' : `,"event_timestamps":[${times}]`
  return `{"values":[${values}],"statuses":[${statuses}]${eventTimestamps}}`
}

function repeat(text: string, count: number): string {
  return count === 0 ? '' : `${text}${`,${text}`.repeat(count - 1)}`
}
