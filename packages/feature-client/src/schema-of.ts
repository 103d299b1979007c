import type { FeatureView, Registry } from '@usdcop/feast/registry/definitions'
import { entitiesOf } from '@usdcop/feast/registry/registry'
import { makePlan } from '@usdcop/feast/serving/plan'
import { findReferenced, referencesOfService } from '@usdcop/feast/serving/references'
import type { ValueType } from '@usdcop/feast/wire/value-types'
import type { Columns, FeatureSchema, PushSchema, ServiceSchema, ViewSchema } from './schema.ts'

/** As Feast's remote client names it where a view has no source that does. */
const EVENT_TIMESTAMP = 'event_timestamp'

/**
 * What a client has to know of a registry. Views that are out of use are in it: they may come back
 * without being defined anew.
 */
export function schemaOf(registry: Registry): FeatureSchema {
  const inUse = { ...registry, views: mapValues(registry.views, enabled) }
  const views = [...inUse.views.values(), ...inUse.onDemandViews.values()]
  return {
    project: registry.project,
    views: Object.fromEntries(views.map((view) => [view.name, viewSchema(inUse, view)])),
    services: Object.fromEntries(
      [...inUse.services.keys()].map((name) => [name, serviceSchema(inUse, name)]),
    ),
    pushSources: Object.fromEntries(
      [...inUse.pushSources.keys()].flatMap((name) => {
        const fed = [...inUse.views.values()].filter(({ pushSource }) => pushSource === name)
        return fed.length === 0 ? [] : [[name, pushSchema(inUse, name, fed)]]
      }),
    ),
  }
}

function enabled(view: FeatureView): FeatureView {
  return { ...view, disabled: false }
}

type AnyView = Pick<FeatureView, 'name' | 'features'> & Partial<Omit<FeatureView, 'history'>>

function viewSchema(registry: Registry, view: AnyView): ViewSchema {
  const references = view.features.map(({ name }) => `${view.name}:${name}`)
  const stored = registry.views.get(view.name)
  return {
    entities: broughtColumns(registry, { features: references, featureService: undefined }),
    features: featureColumns([view]),
    ...(stored !== undefined && { timestampField: timestampOf(registry, stored) }),
  }
}

function serviceSchema(registry: Registry, name: string): ServiceSchema {
  const service = registry.services.get(name) as NonNullable<
    ReturnType<Registry['services']['get']>
  >
  const labelled = new Map<string, Record<string, ValueType>>()
  for (const reference of referencesOfService(service)) {
    const { view } = findReferenced(registry, reference)
    const columns = labelled.get(reference.label) ?? {}
    columns[reference.feature] = featureColumns([view])[reference.feature] as ValueType
    labelled.set(reference.label, columns)
  }
  return {
    entities: broughtColumns(registry, { features: [], featureService: name }),
    features: Object.fromEntries(labelled),
  }
}

/** Join keys, under the names that a request gives them, and the columns on-demand views ask for. */
function broughtColumns(
  registry: Registry,
  asked: { readonly features: readonly string[]; readonly featureService: string | undefined },
): Columns {
  // Full names never collide.
  const { views, requestData } = makePlan(registry, { ...asked, fullFeatureNames: true })
  const joinKeys = views.flatMap((view) => view.joinKeys)
  return {
    ...Object.fromEntries(joinKeys.map(({ name, type }) => [name, type])),
    ...Object.fromEntries(requestData),
  }
}

function pushSchema(registry: Registry, source: string, views: readonly FeatureView[]): PushSchema {
  const joinKeys = views.flatMap((view) => entitiesOf(registry, view))
  const created = views.map(({ batchSource }) => batchSource?.createdTimestampField).find(Boolean)
  return {
    entities: Object.fromEntries(joinKeys.map(({ joinKey, valueType }) => [joinKey, valueType])),
    features: featureColumns(views),
    timestampField: registry.pushSources.get(source)?.timestampField ?? EVENT_TIMESTAMP,
    ...(created !== undefined && { createdTimestampField: created }),
  }
}

function featureColumns(views: readonly Pick<FeatureView, 'features'>[]): Columns {
  const features = views.flatMap((view) => view.features)
  return Object.fromEntries(features.map(({ name, valueType }) => [name, valueType]))
}

function timestampOf(registry: Registry, { batchSource, pushSource = '' }: FeatureView): string {
  const pushed = registry.pushSources.get(pushSource)?.timestampField
  return batchSource?.timestampField ?? pushed ?? EVENT_TIMESTAMP
}

function mapValues<T>(map: ReadonlyMap<string, T>, change: (value: T) => T): Map<string, T> {
  return new Map([...map].map(([name, value]) => [name, change(value)]))
}
