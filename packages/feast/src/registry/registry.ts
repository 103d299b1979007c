import { ServiceError } from '@usdcop/service/errors'
import { DUMMY_JOIN_KEY, type EntityType } from '../wire/entity-key.ts'
import type { ValueType } from '../wire/value.ts'

export type Tags = Readonly<Record<string, string>>

export interface Entity {
  readonly name: string
  readonly joinKey: string
  readonly valueType: EntityType
  readonly tags: Tags
}

export interface Feature {
  readonly name: string
  readonly valueType: ValueType
}

/** Rows arrive by `POST /push` under this name. */
export interface PushSource {
  readonly name: string
  /** The column that holds the event time. */
  readonly timestampField: string
}

export interface FeatureView {
  readonly name: string
  /** Names of its entities; none makes an entity-less view, one row for all. */
  readonly entities: readonly string[]
  readonly features: readonly Feature[]
  /** 0 means that rows never grow too old. */
  readonly ttlMs: number
  readonly pushSource: string | undefined
  readonly tags: Tags
}

/** The features of one view that a service serves. */
export interface Projection {
  readonly view: string
  readonly features: readonly string[]
}

export interface FeatureService {
  readonly name: string
  readonly projections: readonly Projection[]
  readonly tags: Tags
}

/** The definitions of one Feast project, checked to name only what they contain. */
export interface Registry {
  readonly project: string
  readonly entities: ReadonlyMap<string, Entity>
  readonly views: ReadonlyMap<string, FeatureView>
  readonly services: ReadonlyMap<string, FeatureService>
  readonly pushSources: ReadonlyMap<string, PushSource>
}

export interface Definitions {
  readonly project: string
  readonly entities: readonly Entity[]
  readonly views: readonly FeatureView[]
  readonly services: readonly FeatureService[]
  readonly pushSources: readonly PushSource[]
}

/** @throws ServiceError `config_invalid` naming every fault at once */
export function createRegistry(definitions: Definitions): Registry {
  const faults: string[] = []
  const registry: Registry = {
    project: definitions.project,
    entities: byName('entity', definitions.entities, faults),
    views: byName('feature view', definitions.views, faults),
    services: byName('feature service', definitions.services, faults),
    pushSources: byName('push source', definitions.pushSources, faults),
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_]*$/.test(registry.project))
    faults.push(`project '${registry.project}' is not a Feast project name`)
  for (const view of registry.views.values()) faults.push(...faultsOfView(view, registry))
  for (const service of registry.services.values())
    faults.push(...faultsOfService(service, registry))
  if (faults.length > 0) throw new ServiceError('config_invalid', faults.join('; '))
  return Object.freeze(registry)
}

/** @throws ServiceError `feature_view_unknown` */
export function findView(registry: Registry, name: string): FeatureView {
  const view = registry.views.get(name)
  if (view === undefined)
    throw new ServiceError(
      'feature_view_unknown',
      `Feature view ${name} does not exist in project ${registry.project}`,
    )
  return view
}

/** @throws ServiceError `feature_service_unknown` */
export function findService(registry: Registry, name: string): FeatureService {
  const service = registry.services.get(name)
  if (service === undefined)
    throw new ServiceError(
      'feature_service_unknown',
      `Feature service ${name} does not exist in project ${registry.project}`,
    )
  return service
}

/** @throws ServiceError `feature_unknown` */
export function findFeature(view: FeatureView, name: string): Feature {
  const feature = view.features.find((candidate) => candidate.name === name)
  if (feature === undefined)
    throw new ServiceError(
      'feature_unknown',
      `Feature ${name} not found in projection ${view.name}`,
    )
  return feature
}

/**
 * The views a push source feeds.
 * @throws ServiceError `push_source_unknown` where no view has it, as in Feast
 */
export function viewsOfPushSource(registry: Registry, name: string): readonly FeatureView[] {
  const views = [...registry.views.values()].filter((view) => view.pushSource === name)
  if (views.length === 0)
    throw new ServiceError('push_source_unknown', `Unable to find push source '${name}'.`)
  return views
}

/** The entities of a view in the order it names them. */
export function entitiesOf(registry: Registry, view: FeatureView): readonly Entity[] {
  return view.entities.map((name) => registry.entities.get(name) as Entity)
}

function byName<T extends { readonly name: string }>(
  kind: string,
  items: readonly T[],
  faults: string[],
): ReadonlyMap<string, T> {
  const named = new Map<string, T>()
  for (const item of items) {
    if (named.has(item.name)) faults.push(`${kind} '${item.name}' is defined twice`)
    named.set(item.name, item)
  }
  return named
}

function faultsOfView(view: FeatureView, registry: Registry): string[] {
  const faults: string[] = []
  const columns = new Set<string>()
  for (const name of view.entities) {
    const entity = registry.entities.get(name)
    if (entity === undefined) faults.push(`view '${view.name}' names the unknown entity '${name}'`)
    else columns.add(entity.joinKey)
  }
  for (const { name } of view.features) {
    if (columns.has(name) || name === DUMMY_JOIN_KEY)
      faults.push(`view '${view.name}' has the column '${name}' twice`)
    columns.add(name)
  }
  if (view.features.length === 0) faults.push(`view '${view.name}' has no features`)
  if (!(view.ttlMs >= 0)) faults.push(`view '${view.name}' has the ttl ${view.ttlMs} ms`)
  if (view.pushSource !== undefined && !registry.pushSources.has(view.pushSource))
    faults.push(`view '${view.name}' names the unknown push source '${view.pushSource}'`)
  return faults
}

function faultsOfService(service: FeatureService, registry: Registry): string[] {
  return service.projections.flatMap(({ view, features }) => {
    const known = registry.views.get(view)?.features.map(({ name }) => name)
    if (known === undefined) return [`service '${service.name}' names the unknown view '${view}'`]
    return features
      .filter((name) => !known.includes(name))
      .map((name) => `service '${service.name}' names the unknown feature '${view}:${name}'`)
  })
}
