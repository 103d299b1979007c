import { ServiceError } from '@usdcop/service/errors'
import type { OnDemandRow, OnDemandView, Registry } from '../registry/definitions.ts'
import { entitiesOf } from '../registry/registry.ts'
import type { OnlineRow } from '../stores/online-store.ts'
import type { Value, ValueType } from '../wire/value-types.ts'
import { type Columns, columnsOf, keyOf, valueOf } from './frame.ts'
import { inputsWin, storedRows } from './stored-rows.ts'
import { asStored } from './stored-view.ts'
import type { Transformer } from './transform.ts'

export interface StoredFrame {
  readonly registry: Registry
  readonly view: OnDemandView
  readonly frame: Readonly<Record<string, unknown>>
  /** The event time of the rows, epoch milliseconds: Feast looks for none in the frame. */
  readonly now: number
  /** Undefined stores the frame's own columns: Feast's `transform_on_write: false`. */
  readonly transform: Transformer | undefined
}

/**
 * The rows of a stored on-demand view in the frame of `/write-to-online-store`, which has its inputs:
 * join keys, features of its sources, columns that it asks a request for. A frame that leads to no
 * feature value makes no rows, as in Feast.
 * @throws ServiceError `invalid_request` naming the column and the value at fault, and what the
 *   transformation throws
 */
export async function readStoredFrame(
  { registry, view, frame, now, transform }: StoredFrame,
  signal: AbortSignal,
): Promise<readonly OnlineRow[]> {
  const columns = columnsOf(frame)
  const rowCount = columns.values().next().value?.length ?? 0
  if (rowCount === 0) return []
  const joinKeys = entitiesOf(registry, asStored(registry, view))
  assertThere(
    columns,
    joinKeys.map(({ joinKey }) => joinKey),
  )
  const keys = Array.from({ length: rowCount }, (_, row) =>
    joinKeys.map((entity) => keyOf(entity, columns.get(entity.joinKey)?.[row])),
  )
  const computed = await transform?.(view, inputsOf(registry, view, columns, rowCount), signal)
  const features = featuresOf(view, columns, computed)
  if (features.every(([, values]) => values.every((value) => value === null))) return []
  return storedRows(keys, features, now)
}

function assertThere(columns: Columns, names: readonly string[]): void {
  const missing = names.filter((name) => !columns.has(name))
  if (missing.length > 0)
    throw new ServiceError('invalid_request', `df has no column ${missing.join(', ')}`)
}

function featuresOf(
  view: OnDemandView,
  columns: Columns,
  computed: readonly OnDemandRow[] | undefined,
): readonly (readonly [string, readonly Value[]])[] {
  const { features } = view
  const given = features.filter(
    ({ name }) => computed === undefined || (inputsWin(view) && columns.has(name)),
  )
  assertThere(
    columns,
    given.map(({ name }) => name),
  )
  return features.map((feature) => {
    const { name, valueType } = feature
    const values = given.includes(feature)
      ? columns.get(name)?.map((value) => valueOf(name, valueType, value))
      : computed?.map((row) => row[name] ?? null)
    return [name, values ?? []]
  })
}

/**
 * One row of inputs for each row of the frame, typed as the view's sources declare them and else by
 * what they hold. A column that has no one type is not among them; who needs it says so.
 */
function inputsOf(
  registry: Registry,
  view: OnDemandView,
  columns: Columns,
  rowCount: number,
): readonly OnDemandRow[] {
  const declared = declaredTypes(registry, view)
  const inputs = new Map<string, readonly Value[]>()
  for (const [name, given] of columns) {
    const type = declared.get(name) ?? typeHeld(given)
    if (type === undefined) continue
    inputs.set(
      name,
      given.map((value) => inputOf(name, type, value)),
    )
  }
  // Feast's transformation service adds these names itself.
  if (view.mode === 'typescript') addFullNames(view, inputs)
  return Array.from({ length: rowCount }, (_, row) =>
    Object.fromEntries([...inputs].map(([name, values]) => [name, values[row] ?? null])),
  )
}

/** A number is not rounded to 32 bits before something has been computed from it. */
function inputOf(name: string, type: ValueType, given: unknown): Value {
  const value = valueOf(name, type.replace('FLOAT', 'DOUBLE') as ValueType, given)
  return value === null ? null : ({ ...value, type } as Value)
}

function declaredTypes(registry: Registry, view: OnDemandView): ReadonlyMap<string, ValueType> {
  const types = new Map<string, ValueType>()
  for (const projection of view.projections)
    for (const { name, valueType } of registry.views.get(projection.view)?.features ?? []) {
      if (!projection.features.includes(name)) continue
      types.set(name, valueType)
      types.set(`${projection.view}__${name}`, valueType)
    }
  for (const { schema } of view.requestSources)
    for (const { name, valueType } of schema) types.set(name, valueType)
  for (const { joinKey, valueType } of entitiesOf(registry, asStored(registry, view)))
    types.set(joinKey, valueType)
  return types
}

function typeHeld(given: readonly unknown[]): ValueType | undefined {
  const values = given.filter((value) => value !== null)
  if (values.every((value) => typeof value === 'string')) return 'STRING'
  if (values.every((value) => typeof value === 'boolean')) return 'BOOL'
  if (values.every(isNumber)) return values.every(isWhole) ? 'INT64' : 'DOUBLE'
  if (!values.every((value) => Array.isArray(value))) return undefined
  const item = typeHeld(values.flat())
  return item === undefined || item.endsWith('_LIST') ? undefined : (`${item}_LIST` as ValueType)
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint'
}

function isWhole(value: number | bigint): boolean {
  return typeof value === 'bigint' || Number.isSafeInteger(value)
}

/** A transform finds a feature under both of its names, as it does when it is computed at read. */
function addFullNames({ projections }: OnDemandView, inputs: Map<string, readonly Value[]>): void {
  for (const { view, features } of projections)
    for (const feature of features) {
      const full = `${view}__${feature}`
      const values = inputs.get(full) ?? inputs.get(feature)
      if (values === undefined) continue
      inputs.set(full, values)
      if (!inputs.has(feature)) inputs.set(feature, values)
    }
}
