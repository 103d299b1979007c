import { STATUSES, type Status } from '@usdcop/feast/serving/ttl'
import type { ValueType } from '@usdcop/feast/wire/value-types'
import { readEventTime } from './event-time.ts'
import type { Cell, OnlineRow } from './online-types.ts'
import { valueReader } from './read-value.ts'

/** A column that was asked for; without a type its values are told as their JSON is. */
export interface AskedColumn {
  readonly name: string
  readonly type: ValueType | undefined
}

type Entities = Readonly<Record<string, readonly unknown[]>>
type Fields = Readonly<Record<string, unknown>>
export type ReadRow = OnlineRow<Fields, Readonly<Record<string, Cell<unknown>>>>

/** Thrown for an answer that is no Feast answer about what was asked for. */
export class ReplyError extends Error {
  readonly code = 'reply_invalid'
}

/**
 * Feast's column-major reply, one row an entity. Read strictly: every column there is must be sound, and
 * none is taken for another. A column that was left out is told as `NOT_FOUND`.
 * @param entities the request's own, of equal length
 * @param asked undefined tells every column that is no entity's
 * @throws ReplyError
 */
export function readReply(
  json: unknown,
  entities: Entities,
  asked: readonly AskedColumn[] | undefined,
): readonly ReadRow[] {
  const count = Object.values(entities)[0]?.length ?? 0
  const results = resultsByName(json, count)
  const columns = asked ?? untyped(results, entities)
  const timeOf = eventTimes()
  const cells = columns.map(({ name, type }): readonly [string, readonly Cell<unknown>[]] => {
    const result = results.get(name)
    return [name, result === undefined ? notFound(count) : readCells(result, name, type, timeOf)]
  })
  const keys = Object.entries(entities)
  return Array.from({ length: count }, (_, row) => ({
    entities: Object.fromEntries(keys.map(([name, values]) => [name, values[row]])),
    features: Object.fromEntries(
      cells.map(([name, column]) => [name, column[row] as Cell<unknown>]),
    ),
  }))
}

interface Result {
  readonly values: readonly unknown[]
  readonly statuses: readonly Status[]
  readonly times: readonly string[]
}

function resultsByName(json: unknown, count: number): ReadonlyMap<string, Result> {
  const { results, metadata } = fieldsOf(json, 'the reply')
  const { feature_names: names } = fieldsOf(metadata, 'metadata')
  if (!isTexts(names)) throw new ReplyError('metadata.feature_names is no list of names')
  if (!Array.isArray(results)) throw new ReplyError('results is no list')
  if (names.length !== results.length)
    throw new ReplyError(`${names.length} names for ${results.length} columns`)
  const named = new Map(names.map((name, at) => [name, readResult(results[at], name, count)]))
  if (named.size !== names.length) throw new ReplyError('a name stands twice')
  return named
}

function readResult(json: unknown, name: string, count: number): Result {
  const { values, statuses, event_timestamps: times = [] } = fieldsOf(json, name)
  if (!Array.isArray(values) || values.length !== count)
    throw new ReplyError(`${name} has not one value an entity`)
  if (!Array.isArray(statuses) || statuses.length !== count || !statuses.every(isStatus))
    throw new ReplyError(`${name} has not one known status an entity`)
  if (!isTexts(times) || times.length !== count)
    throw new ReplyError(`${name} has not one event time an entity`)
  return { values, statuses, times }
}

function untyped(results: ReadonlyMap<string, Result>, entities: Entities): AskedColumn[] {
  return [...results.keys()]
    .filter((name) => !Object.hasOwn(entities, name))
    .map((name) => ({ name, type: undefined }))
}

function readCells(
  { values, statuses, times }: Result,
  name: string,
  type: ValueType | undefined,
  timeOf: ReturnType<typeof eventTimes>,
): readonly Cell<unknown>[] {
  const read = valueReader(type)
  return values.map((given, row) => {
    const value = given === null ? null : read(given)
    if (value === undefined) throw new ReplyError(`a value of ${name} is no ${type}`)
    const eventTimestamp = timeOf(times[row] as string)
    if (eventTimestamp === undefined) throw new ReplyError(`an event time of ${name} is no instant`)
    return { value, status: statuses[row] as Status, eventTimestamp }
  })
}

/** Neighbours mostly have one time: it is read once. */
function eventTimes(): typeof readEventTime {
  let text: string | undefined
  let instant: ReturnType<typeof readEventTime>
  return (asked) => {
    if (asked !== text) {
      text = asked
      instant = readEventTime(asked)
    }
    return instant
  }
}

function notFound(count: number): readonly Cell<null>[] {
  return Array.from({ length: count }, () => ({
    value: null,
    status: 'NOT_FOUND',
    eventTimestamp: null,
  }))
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new ReplyError(`${what} is no object`)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function isStatus(value: unknown): value is Status {
  return (STATUSES as readonly unknown[]).includes(value)
}
