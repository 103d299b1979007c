import type { PackedRows } from '../stores/online-store.ts'
import type { EntityValue } from '../wire/entity-key.ts'
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

/** How many values were told under each of `STATUSES`. */
export type StatusCounts = readonly number[]

export interface Reply {
  /** JSON, as text or as UTF-8. */
  readonly body: Buffer | string
  /** One a view of the plan. */
  readonly counts: readonly StatusCounts[]
  /** To be called once the body has left, where there is one: another reply is written over it. */
  readonly sent?: () => void
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

/** Shared by all replies: writing one never waits, so no other comes between. */
const out = new ReplyText()
/** Per row: how a value that is there is told, and how those of the last column were. */
let present = new Uint8Array(1_024)
let statuses = new Uint8Array(1_024)

/**
 * The body of `/get-online-features`, written directly: column-major, join keys first, and key for key
 * in the order in which Feast prints them.
 */
export function writeReply(input: ReplyInput): Reply {
  const { plan, rows, viewMetadata } = input
  makeRoom(rows.count)
  out.cut(0)
  out.text('{"results":[')
  let columnCount = 0
  for (const values of rows.columns.values()) {
    if (columnCount > 0) out.byte(COMMA)
    joinKeyColumn(values, rows.count)
    columnCount++
  }
  const counts = plan.views.map(({ columns }, index) => {
    const counted = STATUSES.map(() => 0)
    if (columnCount > 0 && columns.length > 0) out.byte(COMMA)
    viewColumns(input, index, counted)
    columnCount += columns.length
    return counted
  })
  out.text('],"metadata":{"feature_names":[')
  const { names, views } = metadataOf(plan)
  const joinKeys = Array.from(rows.columns.keys(), (name) => JSON.stringify(name))
  out.text((names === '' ? joinKeys : [...joinKeys, names]).join(','))
  out.text(viewMetadata ? `],"feature_view_metadata":[${views}]}}` : ']}}')
  const body = out.take()
  return typeof body === 'string'
    ? { body, counts }
    : { body, counts, sent: () => out.recycle(body) }
}

function makeRoom(rows: number): void {
  if (rows <= present.length) return
  present = new Uint8Array(2 * rows)
  statuses = new Uint8Array(2 * rows)
}

/** Values are told as they are stored in strict parity, whatever their age, and all as PRESENT. */
function viewColumns(
  { plan, rows, reads, stored, now, serving }: ReplyInput,
  index: number,
  counts: number[],
): void {
  const { view, columns } = plan.views[index] as Plan['views'][number]
  const packed = stored[index] as PackedRows
  const keyOfRow = reads[index]?.keyOfRow
  const { count } = rows
  if (columns.length === 0) return
  const strict = serving === 'strict'
  present.fill(PRESENT, 0, count)
  if (!strict) markOutlived(packed.times, keyOfRow, count, view.ttlMs, now)
  statuses.fill(PRESENT, 0, count)
  // Most columns of a view have the same statuses, and all have the same times: what stands behind the
  // values of one is copied whole behind those of the next, up to where its values begin.
  let behind = 0
  let behindEnd = 0
  let timed = 0
  let timedEnd = 0

  out.bytes(VALUES)
  for (let feature = 0; feature < columns.length; feature++) {
    let changed = feature === 0
    for (let row = 0; row < count; row++) {
      if (row > 0) out.byte(COMMA)
      const key = keyOfRow === undefined ? row : (keyOfRow[row] as number)
      const status = writeCell(packed, key, feature, present[row] as number, serving)
      if (strict) continue
      counts[status] = (counts[status] as number) + 1
      if (statuses[row] !== status) {
        statuses[row] = status
        changed = true
      }
    }
    if (!changed) {
      out.again(behind, behindEnd)
      continue
    }
    behind = out.length
    out.bytes(STATUSES_KEY)
    writeStatuses(count)
    // Feast leaves the key out when there are no times.
    if (count > 0) out.bytes(TIMES)
    if (feature === 0) {
      timed = out.length
      writeTimes(packed.times, keyOfRow, count)
      timedEnd = out.length
    } else out.again(timed, timedEnd)
    out.bytes(NEXT_COLUMN)
    behindEnd = out.length
  }
  // No column follows the last one.
  out.cut(out.length - NEXT_COLUMN.length + COLUMN_END.length)
  if (strict) counts[PRESENT] = count * columns.length
}

function markOutlived(
  times: readonly number[],
  keyOfRow: readonly number[] | undefined,
  count: number,
  ttlMs: number,
  now: number,
): void {
  for (let row = 0; row < count; row++)
    if (outlived(times[keyOfRow?.[row] ?? row] as number, ttlMs, now))
      present[row] = OUTSIDE_MAX_AGE
}

/** Writes one value and answers its status, which is `told` where there is a value. */
function writeCell(
  { buffers, cells, first, stride }: PackedRows,
  key: number,
  feature: number,
  told: number,
  serving: Serving,
): number {
  const at = first + key * stride + 2 * feature
  const start = cells[at] as number
  if (start < 0) {
    out.bytes(NULL)
    return NOT_FOUND
  }
  const before = out.length
  if (!out.value(buffers[key] as Buffer, start, cells[at + 1] as number)) return NULL_VALUE
  if (told === OUTSIDE_MAX_AGE && serving === 'enforce') {
    out.cut(before)
    out.bytes(NULL)
  }
  return told
}

function writeStatuses(count: number): void {
  for (let row = 0; row < count; row++) {
    if (row > 0) out.byte(COMMA)
    out.bytes(STATUS_TEXTS[statuses[row] as number] as Buffer)
  }
}

function writeTimes(
  times: readonly number[],
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
function joinKeyColumn(values: readonly EntityValue[], count: number): void {
  out.bytes(VALUES)
  for (const [row, value] of values.entries()) {
    if (row > 0) out.byte(COMMA)
    out.text(jsonValue(value))
  }
  out.bytes(STATUSES_KEY)
  statuses.fill(PRESENT, 0, count)
  writeStatuses(count)
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
export function statusesOf(counts: ArrayLike<number>): readonly (readonly [Status, number])[] {
  return STATUSES.map((status, index) => [status, counts[index] as number] as const).filter(
    ([, count]) => count > 0,
  )
}
