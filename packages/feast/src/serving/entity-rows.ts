import { ServiceError } from '@usdcop/service/errors'
import type { Registry } from '../registry/definitions.ts'
import type { ViewRead } from '../stores/online-store.ts'
import { convertScalar, convertValue, shown } from '../wire/convert.ts'
import {
  DUMMY_JOIN_KEY,
  DUMMY_VALUE,
  type EntityType,
  type EntityValue,
  entityKey,
} from '../wire/entity-key.ts'
import type { Value, ValueType } from '../wire/value-types.ts'
import type { JoinKey, Plan } from './plan.ts'
import type { Serving } from './ttl.ts'

/** The request's entities: columns by join key, in the order of the request, typed by the registry. */
export interface EntityRows {
  readonly count: number
  readonly columns: ReadonlyMap<string, readonly EntityValue[]>
}

/** A request's entities with the columns that its on-demand views asked for. */
export interface RequestRows extends EntityRows {
  readonly requestData: ReadonlyMap<string, readonly Value[]>
}

/** The distinct keys of one view, and which of them each row of the request means. */
export interface KeyedRead extends ViewRead {
  /** Undefined where row i is simply key i. */
  readonly keyOfRow: readonly number[] | undefined
}

/**
 * Types the columns of a request. Columns that no entity of the project knows are ignored, as in
 * Feast; entity names stand for their join keys.
 * @throws ServiceError `invalid_request` on columns of unequal length or a value of the wrong type,
 *   `request_data_missing` naming what an on-demand view lacks
 */
export function readEntityRows(
  plan: Plan,
  entities: Readonly<Record<string, readonly unknown[]>>,
  serving: Serving,
): RequestRows {
  const given = Object.entries(entities)
  const count = given[0]?.[1].length
  if (count === undefined) throw new ServiceError('invalid_request', 'entities has no column')
  if (given.some(([, values]) => values.length !== count))
    throw new ServiceError('invalid_request', 'All entity rows must have the same columns.')
  const columns = new Map<string, readonly EntityValue[]>()
  const requestData = new Map<string, readonly Value[]>()
  for (const [name, values] of given) {
    const requested = plan.requestData.get(name)
    if (requested !== undefined) {
      requestData.set(name, convertColumn(name, requested, values))
      continue
    }
    const key = columnNamed(plan, name)
    if (key !== undefined)
      columns.set(
        key.name,
        values.map((value) => convert(key, value, serving)),
      )
  }
  if (requestData.size < plan.requestData.size) throw requestDataMissing(plan, requestData)
  return { count, columns, requestData }
}

interface EntityColumn {
  readonly name: string
  readonly type: EntityType
}

function columnNamed({ registry, mappedKeys }: Plan, name: string): EntityColumn | undefined {
  const mapped = mappedKeys.get(name)
  return mapped === undefined ? entityColumnsOf(registry).get(name) : { name, type: mapped }
}

const entityColumns = new WeakMap<Registry, ReadonlyMap<string, EntityColumn>>()

/** Join keys and entity names, made once a registry: a request must not pay for its size. */
function entityColumnsOf(registry: Registry): ReadonlyMap<string, EntityColumn> {
  const known = entityColumns.get(registry)
  if (known !== undefined) return known
  const made = new Map<string, EntityColumn>()
  for (const { name, joinKey, valueType } of registry.entities.values())
    made.set(name, { name: joinKey, type: valueType })
  for (const { joinKey, valueType } of registry.entities.values())
    made.set(joinKey, { name: joinKey, type: valueType })
  entityColumns.set(registry, made)
  return made
}

function convertColumn(name: string, type: ValueType, given: readonly unknown[]): Value[] {
  return given.map((each) => {
    const value = convertValue(type, each)
    if (value !== undefined) return value
    throw new ServiceError('invalid_request', `${name}: ${shown(each)} is not a valid ${type}`)
  })
}

function requestDataMissing(plan: Plan, given: ReadonlyMap<string, unknown>): ServiceError {
  const missing = [...plan.requestData.keys()].filter((name) => !given.has(name))
  const listed = missing.map((name) => `'${name}'`).join(', ')
  return new ServiceError(
    'request_data_missing',
    `Required request data source features [${listed}] not found in the entity rows, but required ` +
      'by feature views',
  )
}

/**
 * What to read for a plan. Duplicate rows are read once; views of the same join keys share their keys.
 * @throws ServiceError `invalid_request` when a join key is missing
 */
export function keyedReads(plan: Plan, rows: EntityRows, serving: Serving): readonly KeyedRead[] {
  const made = new Map<string, Keys>()
  return plan.views.map(({ storedName, joinKeys, keyId, features }) => {
    let keyed = made.get(keyId)
    if (keyed === undefined) {
      keyed = distinct(keysOf(presentKeys(joinKeys, rows, serving), rows))
      made.set(keyId, keyed)
    }
    return { view: storedName, features, keys: keyed.keys, keyOfRow: keyed.keyOfRow }
  })
}

type Keys = Pick<KeyedRead, 'keys' | 'keyOfRow'>

/** A column of the request and the join key it stands for in stored keys. */
interface PresentKey extends Pick<JoinKey, 'storedName' | 'keyOf'> {
  readonly name: string
}

/** Strict parity: Feast reads a composite key with part of its columns, and so finds nothing. */
function presentKeys(
  joinKeys: readonly JoinKey[],
  rows: EntityRows,
  serving: Serving,
): readonly PresentKey[] {
  if (joinKeys.length === 0) return []
  const present: PresentKey[] = []
  const missing: string[] = []
  for (const { name, storedName, keyOf } of joinKeys) {
    const column = columnOfKey(name, storedName, rows, serving)
    if (column === undefined) missing.push(name)
    else present.push({ name: column, storedName, keyOf })
  }
  const enough = serving === 'strict' ? present.length > 0 : missing.length === 0
  if (enough && rows.count > 0) return present
  throw new ServiceError(
    'invalid_request',
    missing.length > 0
      ? `Missing join key values for keys: ${missing.join(', ')}`
      : `No values provided for keys: ${present.map(({ name }) => name).join(', ')}`,
  )
}

/**
 * A mapped key may also come under its own name, as in Feast. Where a request has both columns, the
 * mapped one is meant; Feast, and so strict parity, takes whichever comes last.
 */
function columnOfKey(
  name: string,
  storedName: string,
  { columns }: EntityRows,
  serving: Serving,
): string | undefined {
  if (name === storedName || !columns.has(storedName)) return columns.has(name) ? name : undefined
  if (!columns.has(name)) return storedName
  if (serving !== 'strict') return name
  return [...columns.keys()].findLast((column) => column === name || column === storedName)
}

function keysOf(keys: readonly PresentKey[], rows: EntityRows): Buffer[] {
  const [key] = keys
  if (key === undefined) {
    const dummy = entityKey([[DUMMY_JOIN_KEY, DUMMY_VALUE]])
    return Array.from({ length: rows.count }, () => dummy)
  }
  if (keys.length === 1) return columnOf(rows, key.name).map(key.keyOf)
  const columns = keys.map(({ name, storedName }) => [storedName, columnOf(rows, name)] as const)
  return Array.from({ length: rows.count }, (_, row) =>
    entityKey(columns.map(([joinKey, values]) => [joinKey, values[row] as EntityValue])),
  )
}

function columnOf(rows: EntityRows, joinKey: string): readonly EntityValue[] {
  return rows.columns.get(joinKey) ?? []
}

function distinct(keys: readonly Buffer[]): Keys {
  if (keys.length === 1) return { keys, keyOfRow: undefined }
  const seen = new Map<string, number>()
  const unique: Buffer[] = []
  const keyOfRow = keys.map((key) => {
    const id = key.toString('latin1')
    const known = seen.get(id)
    if (known !== undefined) return known
    seen.set(id, unique.length)
    return unique.push(key) - 1
  })
  return { keys: unique, keyOfRow: unique.length === keys.length ? undefined : keyOfRow }
}

function convert({ name, type }: EntityColumn, value: unknown, serving: Serving): EntityValue {
  // Feast cuts a fraction off and answers for another entity; only parity asks for that.
  const cut = serving === 'strict' && type !== 'STRING' && typeof value === 'number'
  const converted = convertScalar(type, cut ? Math.trunc(value) : value)
  if (converted === undefined)
    throw new ServiceError('invalid_request', `${name}: ${shown(value)} is not a valid ${type}`)
  return converted as EntityValue
}
