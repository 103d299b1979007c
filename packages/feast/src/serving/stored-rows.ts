import { ServiceError } from '@usdcop/service/errors'
import type { OnDemandRow, OnDemandView } from '../registry/definitions.ts'
import type { OnlineRow } from '../stores/online-store.ts'
import { convertValue, shown } from '../wire/convert.ts'
import { type EntityValue, entityKey } from '../wire/entity-key.ts'
import type { Value, ValueType } from '../wire/value-types.ts'
import type { Transformer } from './transform.ts'

/** Join key and value of each key of one row. */
export type KeyPairs = readonly (readonly [string, EntityValue])[]

/** The rows of a stored on-demand view, which Feast stores with their keys among the features. */
export function storedRows(
  keys: readonly KeyPairs[],
  features: readonly (readonly [string, readonly Value[]])[],
  eventTimestamp: number,
): readonly OnlineRow[] {
  return keys.map((pairs, row) => ({
    entityKey: entityKey(pairs),
    eventTimestamp,
    values: new Map<string, Value>([
      ...features.map(([name, values]) => [name, values[row] ?? null] as const),
      ...pairs,
    ]),
  }))
}

/**
 * Whether Feast stores an input in the place of the computed feature of its name: of a view in pandas.
 */
export function inputsWin({ mode }: OnDemandView): boolean {
  return mode === 'pandas'
}

/**
 * Computes the rows of a stored on-demand view from its history.
 * @param inputs one row for each of `keys`, all with the same names
 * @param now the rows' event time: Feast stores the time of the write
 * @throws ServiceError what the transformation throws
 */
export async function computeStoredRows(
  view: OnDemandView,
  keys: readonly KeyPairs[],
  inputs: readonly OnDemandRow[],
  now: number,
  transform: Transformer,
  signal: AbortSignal,
): Promise<readonly OnlineRow[]> {
  const computed = await transform(view, inputs, signal)
  const features = view.features.map(({ name, valueType }) => {
    const given = inputsWin(view) && Object.hasOwn(inputs[0] ?? {}, name)
    const values = (given ? inputs : computed).map((row) => row[name] ?? null)
    return [name, values.map((value) => declared(view, name, valueType, value))] as const
  })
  return storedRows(keys, features, now)
}

/** A value of the type that the view declares, which its source may declare otherwise. */
function declared(view: OnDemandView, name: string, type: ValueType, given: Value): Value {
  if (given === null || given.type === type) return given
  const value = convertValue(type, given.value)
  if (value !== undefined) return value
  throw new ServiceError(
    'invalid_request',
    `On demand feature view '${view.name}' has ${name} from its source: ${shown(given.value)} is not ` +
      `a valid ${type}`,
  )
}
