import type { BatchSource, FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import type { OfflineColumn } from '@usdcop/feast/registry/offline-writer'
import { entitiesOf } from '@usdcop/feast/registry/registry'
import { convertValue, shown } from '@usdcop/feast/wire/convert'
import { parseInstant } from '@usdcop/feast/wire/instant'
import type { ValueType } from '@usdcop/feast/wire/value-types'
import { ServiceError } from '@usdcop/service/errors'

type Frame = Readonly<Record<string, unknown>>

/**
 * A pushed frame as typed columns for the source of a view. The frame has been found sound for the
 * view before; its columns bear the names of the source, as in Feast.
 * @throws ServiceError `invalid_request` naming the columns that the source has and the frame lacks, or
 *   the other way round, and a value that does not fit
 */
export function offlineColumns(
  registry: Registry,
  view: FeatureView,
  frame: Frame,
): readonly OfflineColumn[] {
  const source = view.batchSource as BatchSource
  const types = columnTypes(registry, view, source)
  const missing = [...types.keys()].filter((name) => !Object.hasOwn(frame, name)).toSorted()
  const extra = Object.keys(frame)
    .filter((name) => !types.has(name))
    .toSorted()
  if (missing.length > 0 || extra.length > 0)
    throw new ServiceError(
      'invalid_request',
      'The input dataframe columns do not match the batch source columns. ' +
        `missing_expected_columns: [${missing.join(', ')}], ` +
        `extra_unexpected_columns: [${extra.join(', ')}].`,
    )
  return [...types].map(([name, type]) => columnOf(name, type, frame[name] as unknown[]))
}

function columnTypes(
  registry: Registry,
  view: FeatureView,
  { timestampField, createdTimestampField, fieldMapping = {} }: BatchSource,
): ReadonlyMap<string, ValueType | 'INSTANT'> {
  const sourceName = new Map(Object.entries(fieldMapping).map(([from, to]) => [to, from]))
  const types = new Map<string, ValueType | 'INSTANT'>()
  for (const { joinKey, valueType } of entitiesOf(registry, view))
    types.set(sourceName.get(joinKey) ?? joinKey, valueType)
  for (const { name, valueType } of view.features)
    types.set(sourceName.get(name) ?? name, valueType)
  types.set(timestampField, 'INSTANT')
  if (createdTimestampField) types.set(createdTimestampField, 'INSTANT')
  return types
}

function columnOf(
  name: string,
  type: ValueType | 'INSTANT',
  given: readonly unknown[],
): OfflineColumn {
  const fit = <T>(value: unknown, read: T | undefined): T => {
    if (read !== undefined) return read
    const wanted = type === 'INSTANT' ? 'time (ISO 8601 text)' : type
    throw new ServiceError(
      'invalid_request',
      `df: ${name}: ${shown(value)} is not a valid ${wanted}`,
    )
  }
  if (type === 'INSTANT')
    return { name, valueType: type, values: given.map((value) => fit(value, instantOf(value))) }
  return {
    name,
    valueType: type,
    values: given.map((value) => fit(value, convertValue(type, value))),
  }
}

function instantOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseInstant(value) : undefined
}
