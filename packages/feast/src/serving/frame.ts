import { ServiceError } from '@usdcop/service/errors'
import type { Entity, FeatureView, Registry } from '../registry/definitions.ts'
import { entitiesOf } from '../registry/registry.ts'
import type { OnlineRow } from '../stores/online-store.ts'
import { convertScalar, convertValue, shown } from '../wire/convert.ts'
import { DUMMY_JOIN_KEY, DUMMY_VALUE, type EntityValue, entityKey } from '../wire/entity-key.ts'
import { parseInstant } from '../wire/instant.ts'
import type { Value, ValueType } from '../wire/value.ts'

export type Columns = ReadonlyMap<string, readonly unknown[]>

/** The column that Feast's remote client names the event time, whatever the view's source calls it. */
const REMOTE_TIMESTAMP = 'event_timestamp'

/**
 * The rows of one view in a pushed frame of columns. A frame without a single feature value makes no
 * rows, as in Feast.
 * @throws ServiceError `invalid_request` naming the column and the value at fault
 */
export function readFrame(
  registry: Registry,
  view: FeatureView,
  timestampField: string,
  frame: Readonly<Record<string, unknown>>,
): readonly OnlineRow[] {
  return rowsOf(registry, view, timestampField, columnsOf(frame))
}

/**
 * The rows of one view in the frame of `/write-to-online-store`. Its event time stands under the name
 * the view's source gives it or, as Feast's remote client sends it, under `event_timestamp`; other
 * columns of that client, as `created`, are ignored. Feast too takes no frame without all features.
 * @throws ServiceError `invalid_request` naming the column and the value at fault
 */
export function readWriteFrame(
  registry: Registry,
  view: FeatureView,
  frame: Readonly<Record<string, unknown>>,
): readonly OnlineRow[] {
  const columns = columnsOf(frame)
  const named = view.batchSource?.timestampField ?? pushedTimestamp(registry, view)
  const timestampField = named !== undefined && columns.has(named) ? named : REMOTE_TIMESTAMP
  return rowsOf(registry, view, timestampField, columns)
}

function pushedTimestamp(registry: Registry, { pushSource }: FeatureView): string | undefined {
  return pushSource === undefined ? undefined : registry.pushSources.get(pushSource)?.timestampField
}

function rowsOf(
  registry: Registry,
  view: FeatureView,
  timestampField: string,
  columns: Columns,
): readonly OnlineRow[] {
  const rowCount = columns.values().next().value?.length ?? 0
  if (rowCount === 0) return []
  const joinKeys = entitiesOf(registry, view)
  const needed = [...joinKeys.map(({ joinKey }) => joinKey), timestampField]
  const missing = [...needed, ...view.features.map(({ name }) => name)].filter(
    (name) => !columns.has(name),
  )
  if (missing.length > 0)
    throw new ServiceError('invalid_request', `df has no column ${missing.join(', ')}`)
  if (view.features.every(({ name }) => columns.get(name)?.every((value) => value === null)))
    return []

  return Array.from({ length: rowCount }, (_, row) => {
    const at = (name: string) => columns.get(name)?.[row]
    const pairs = joinKeys.map((entity) => keyOf(entity, at(entity.joinKey)))
    const values = new Map<string, Value>()
    for (const { name, valueType } of view.features)
      values.set(name, valueOf(name, valueType, at(name)))
    return {
      entityKey: entityKey(pairs.length === 0 ? [[DUMMY_JOIN_KEY, DUMMY_VALUE]] : pairs),
      eventTimestamp: instantOf(timestampField, at(timestampField)),
      values,
    }
  })
}

/** @throws ServiceError `invalid_request` naming the column where the value is none of its type */
export function valueOf(name: string, type: ValueType, given: unknown): Value {
  const value = convertValue(type, given)
  if (value === undefined) throw unfit(name, given, type)
  return value
}

/** @throws ServiceError `invalid_request` where the value is no key of the entity */
export function keyOf(
  { joinKey, valueType }: Entity,
  given: unknown,
): readonly [string, EntityValue] {
  const value = convertScalar(valueType, given)
  if (value === undefined) throw unfit(joinKey, given, valueType)
  return [joinKey, value as EntityValue]
}

/** @throws ServiceError `invalid_request` where the columns are none, or of several lengths */
export function columnsOf(frame: Readonly<Record<string, unknown>>): Columns {
  const columns = new Map<string, readonly unknown[]>()
  for (const [name, values] of Object.entries(frame)) {
    if (!Array.isArray(values))
      throw new ServiceError('invalid_request', `df: column ${name} is not a list`)
    columns.set(name, values)
  }
  const lengths = new Set([...columns.values()].map((values) => values.length))
  if (lengths.size > 1)
    throw new ServiceError('invalid_request', 'All arrays must be of the same length')
  return columns
}

/** Text only: Feast reads a bare number as nanoseconds, which nobody who sends one means. */
function instantOf(name: string, value: unknown): number {
  const instant = typeof value === 'string' ? parseInstant(value) : undefined
  if (instant === undefined) throw unfit(name, value, 'time (ISO 8601 text)')
  return instant
}

function unfit(name: string, value: unknown, type: string): ServiceError {
  return new ServiceError('invalid_request', `df: ${name}: ${shown(value)} is not a valid ${type}`)
}
