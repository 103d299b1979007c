import { ServiceError } from '@usdcop/service/errors'
import type { Registry } from '../registry/definitions.ts'
import type { ViewRead } from '../stores/online-store.ts'
import { convertScalar, shown } from '../wire/convert.ts'
import {
  DUMMY_JOIN_KEY,
  DUMMY_VALUE,
  type EntityValue,
  entityKey,
  singleKeyWriter,
} from '../wire/entity-key.ts'
import type { JoinKey, Plan } from './plan.ts'
import type { Serving } from './ttl.ts'

/** The request's entities: columns by join key, in the order of the request, typed by the registry. */
export interface EntityRows {
  readonly count: number
  readonly columns: ReadonlyMap<string, readonly EntityValue[]>
}

/** The distinct keys of one view, and which of them each row of the request means. */
export interface KeyedRead extends ViewRead {
  /** Undefined where row i is simply key i. */
  readonly keyOfRow: readonly number[] | undefined
}

/**
 * Types the columns of a request. Columns that no entity of the project knows are ignored, as in
 * Feast; entity names stand for their join keys.
 * @throws ServiceError `invalid_request` on columns of unequal length or a value of the wrong type
 */
export function readEntityRows(
  registry: Registry,
  entities: Readonly<Record<string, readonly unknown[]>>,
  serving: Serving,
): EntityRows {
  const given = Object.entries(entities)
  const count = given[0]?.[1].length
  if (count === undefined) throw new ServiceError('invalid_request', 'entities has no column')
  if (given.some(([, values]) => values.length !== count))
    throw new ServiceError('invalid_request', 'All entity rows must have the same columns.')
  const columns = new Map<string, readonly EntityValue[]>()
  for (const [name, values] of given) {
    const joinKey = joinKeyOf(registry, name)
    if (joinKey !== undefined)
      columns.set(
        joinKey.name,
        values.map((value) => convert(joinKey, value, serving)),
      )
  }
  return { count, columns }
}

/** Plans keep their registry's join keys, so a name is looked up among few. */
function joinKeyOf(registry: Registry, name: string): JoinKey | undefined {
  for (const { joinKey, valueType } of registry.entities.values())
    if (joinKey === name) return { name: joinKey, type: valueType }
  const entity = registry.entities.get(name)
  return entity && { name: entity.joinKey, type: entity.valueType }
}

/**
 * What to read for a plan. Duplicate rows are read once; views of the same join keys share their keys.
 * @throws ServiceError `invalid_request` when a join key is missing
 */
export function keyedReads(plan: Plan, rows: EntityRows, serving: Serving): readonly KeyedRead[] {
  const made = new Map<
    string,
    { keys: readonly Buffer[]; keyOfRow: readonly number[] | undefined }
  >()
  return plan.views.map(({ view, joinKeys, features }) => {
    const names = presentKeys(joinKeys, rows, serving)
    const id = names.join('\n')
    let keyed = made.get(id)
    if (keyed === undefined) {
      keyed = distinct(keysOf(names, rows))
      made.set(id, keyed)
    }
    return { view: view.name, features, ...keyed }
  })
}

/** Strict parity: Feast reads a composite key with part of its columns, and so finds nothing. */
function presentKeys(joinKeys: readonly JoinKey[], rows: EntityRows, serving: Serving): string[] {
  if (joinKeys.length === 0) return []
  const present = joinKeys.filter(({ name }) => rows.columns.has(name)).map(({ name }) => name)
  const enough = serving === 'strict' ? present.length > 0 : present.length === joinKeys.length
  if (enough && rows.count > 0) return present
  const missing = joinKeys.filter(({ name }) => !rows.columns.has(name)).map(({ name }) => name)
  throw new ServiceError(
    'invalid_request',
    missing.length > 0
      ? `Missing join key values for keys: ${missing.join(', ')}`
      : `No values provided for keys: ${present.join(', ')}`,
  )
}

function keysOf(names: readonly string[], rows: EntityRows): Buffer[] {
  const [name] = names
  if (name === undefined) {
    const key = entityKey([[DUMMY_JOIN_KEY, DUMMY_VALUE]])
    return Array.from({ length: rows.count }, () => key)
  }
  if (names.length === 1) return columnOf(rows, name).map(singleKeyWriter(name))
  const columns = names.map((joinKey) => [joinKey, columnOf(rows, joinKey)] as const)
  return Array.from({ length: rows.count }, (_, row) =>
    entityKey(columns.map(([joinKey, values]) => [joinKey, values[row] as EntityValue])),
  )
}

function columnOf(rows: EntityRows, joinKey: string): readonly EntityValue[] {
  return rows.columns.get(joinKey) ?? []
}

function distinct(keys: readonly Buffer[]): {
  keys: readonly Buffer[]
  keyOfRow: readonly number[] | undefined
} {
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

function convert({ name, type }: JoinKey, value: unknown, serving: Serving): EntityValue {
  // Feast cuts a fraction off and answers for another entity; only parity asks for that.
  const cut = serving === 'strict' && type !== 'STRING' && typeof value === 'number'
  const converted = convertScalar(type, cut ? Math.trunc(value) : value)
  if (converted === undefined)
    throw new ServiceError('invalid_request', `${name}: ${shown(value)} is not a valid ${type}`)
  return converted as EntityValue
}
