import type { PackedRows } from '../stores/online-store.ts'
import { jsonValue } from '../wire/json-text.ts'
import type { EntityRows, KeyedRead } from './entity-rows.ts'
import type { Plan } from './plan.ts'
import { ReplyText } from './reply-text.ts'
import { viewMetadataOf } from './result-columns.ts'
import { outlived, type Serving, STATUSES, type Status } from './ttl.ts'

export interface ReplyInput {
  readonly plan: Plan
  readonly rows: EntityRows
  /** One a view of the plan. */
  readonly reads: readonly KeyedRead[]
  /** The store's answer to `reads`. */
  readonly stored: readonly PackedRows[]
  /** Domain time, epoch milliseconds. */
  readonly now: number
  readonly serving: Serving
  /** Names the views in the metadata. */
  readonly viewMetadata: boolean
}

export interface Reply {
  /** JSON, as text or as UTF-8. */
  readonly body: Buffer | string
  /** One a view of the plan: how many of its values were told under each of `STATUSES`. */
  readonly counts: readonly Uint32Array[]
}

const COMMA = 0x2c
const EPOCH = Buffer.from('"1970-01-01T00:00:00Z"')
const NULL = Buffer.from('null')
const VALUES = Buffer.from('{"values":[')
const STATUSES_KEY = Buffer.from('],"statuses":[')
const TIMES = Buffer.from('],"event_timestamps":[')
const COLUMN_END = Buffer.from(']}')
const NEXT_COLUMN = Buffer.concat([COLUMN_END, Buffer.from(','), VALUES])
const STATUS_TEXTS = STATUSES.map((status) => Buffer.from(`"${status}"`))
const PRESENT = STATUSES.indexOf('PRESENT')
const NULL_VALUE = STATUSES.indexOf('NULL_VALUE')
const NOT_FOUND = STATUSES.indexOf('NOT_FOUND')
const OUTSIDE_MAX_AGE = STATUSES.indexOf('OUTSIDE_MAX_AGE')

/** One buffer for all replies: writing one never waits, so no other comes between. */
const out = new ReplyText()

/**
 * The body of `/get-online-features`, written directly: column-major, join keys first, and key for key
 * in the order in which Feast prints them.
 */
export function writeReply(input: ReplyInput): Reply {
  const { plan, rows, viewMetadata } = input
  out.cut(0)
  out.text('{"results":[')
  for (const [index, values] of [...rows.columns.values()].entries()) {
    if (index > 0) out.byte(COMMA)
    joinKeyColumn(values.map(jsonValue).join(','), rows.count)
  }
  let columnCount = rows.columns.size
  const counts = plan.views.map(({ columns }, index) => {
    const counted = new Uint32Array(STATUSES.length)
    if (columnCount > 0 && columns.length > 0) out.byte(COMMA)
    viewColumns(input, index, counted)
    columnCount += columns.length
    return counted
  })
  out.text('],"metadata":{"feature_names":[')
  const { names, views } = metadataOf(plan)
  const joinKeys = [...rows.columns.keys()].map((name) => JSON.stringify(name))
  out.text((names === '' ? joinKeys : [...joinKeys, names]).join(','))
  out.text(viewMetadata ? `],"feature_view_metadata":[${views}]}}` : ']}}')
  return { body: out.take(), counts }
}

/** Values are told as they are stored in strict parity, whatever their age, and all as PRESENT. */
function viewColumns(
  { plan, rows, reads, stored, now, serving }: ReplyInput,
  index: number,
  counts: Uint32Array,
): void {
  const { view, columns } = plan.views[index] as Plan['views'][number]
  const { buffers, cells, first, stride, times } = stored[index] as PackedRows
  const keyOfRow = reads[index]?.keyOfRow
  const { count } = rows
  const strict = serving === 'strict'
  /** Per row: whether its values are too old to be told as PRESENT. */
  const old = new Uint8Array(count)
  const statuses = new Uint8Array(count)
  if (strict) statuses.fill(PRESENT)
  // Most columns of a view have the same statuses, and all have the same times: what stands behind the
  // values of one is copied whole behind those of the next, up to where its values begin.
  const behind = { start: 0, end: 0 }
  const timed = { start: 0, end: 0 }

  if (columns.length > 0) out.bytes(VALUES)
  for (let feature = 0; feature < columns.length; feature++) {
    let changed = feature === 0
    for (let row = 0; row < count; row++) {
      if (row > 0) out.byte(COMMA)
      const key = keyOfRow === undefined ? row : (keyOfRow[row] as number)
      if (feature === 0 && outlived(times[key] as number, view.ttlMs, now)) old[row] = 1
      const at = first + key * stride + 2 * feature
      const start = cells[at] as number
      let status = NOT_FOUND
      if (start < 0) out.bytes(NULL)
      else {
        const length = out.length
        status = NULL_VALUE
        if (out.value(buffers[key] as Buffer, start, cells[at + 1] as number)) {
          status = old[row] === 1 ? OUTSIDE_MAX_AGE : PRESENT
          if (status === OUTSIDE_MAX_AGE && serving === 'enforce') {
            out.cut(length)
            out.bytes(NULL)
          }
        }
      }
      if (strict) continue
      counts[status] = (counts[status] as number) + 1
      if (statuses[row] !== status) {
        statuses[row] = status
        changed = true
      }
    }
    if (!changed) {
      out.again(behind.start, behind.end)
      continue
    }
    behind.start = out.length
    out.bytes(STATUSES_KEY)
    writeStatuses(statuses)
    // Feast leaves the key out when there are no times.
    if (count > 0) out.bytes(TIMES)
    if (feature === 0) {
      timed.start = out.length
      writeTimes(times, keyOfRow, count)
      timed.end = out.length
    } else out.again(timed.start, timed.end)
    out.bytes(NEXT_COLUMN)
    behind.end = out.length
  }
  // No column follows the last one.
  if (columns.length > 0) out.cut(out.length - NEXT_COLUMN.length + COLUMN_END.length)
  if (strict) counts[PRESENT] = count * columns.length
}

function writeStatuses(statuses: Uint8Array): void {
  for (let row = 0; row < statuses.length; row++) {
    if (row > 0) out.byte(COMMA)
    out.bytes(STATUS_TEXTS[statuses[row] as number] as Buffer)
  }
}

function writeTimes(
  times: Float64Array,
  keyOfRow: readonly number[] | undefined,
  count: number,
): void {
  for (let row = 0; row < count; row++) {
    if (row > 0) out.byte(COMMA)
    const time = times[keyOfRow?.[row] ?? row] as number
    if (Number.isNaN(time)) out.bytes(EPOCH)
    else out.time(time)
  }
}

/** Feast leaves the key out when there are no times. */
function joinKeyColumn(values: string, count: number): void {
  out.bytes(VALUES)
  out.text(values)
  out.bytes(STATUSES_KEY)
  writeStatuses(new Uint8Array(count).fill(PRESENT))
  for (let row = 0; row < count; row++) {
    out.bytes(row === 0 ? TIMES : COMMA_BYTES)
    out.bytes(EPOCH)
  }
  out.bytes(COLUMN_END)
}

const COMMA_BYTES = Buffer.from(',')

interface Metadata {
  readonly names: string
  readonly views: string
}

const metadataOfPlan = new WeakMap<Plan, Metadata>()

function metadataOf(plan: Plan): Metadata {
  const known = metadataOfPlan.get(plan)
  if (known !== undefined) return known
  const names = plan.views.flatMap(({ columns }) => columns.map((name) => JSON.stringify(name)))
  const made = { names: names.join(','), views: viewMetadataOf(plan) }
  metadataOfPlan.set(plan, made)
  return made
}

/** The counts of one view by name, without those that are none. */
export function statusesOf(counts: Uint32Array): readonly (readonly [Status, number])[] {
  return STATUSES.map((status, index) => [status, counts[index] as number] as const).filter(
    ([, count]) => count > 0,
  )
}
