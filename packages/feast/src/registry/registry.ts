import { ServiceError } from '@usdcop/service/errors'
import { DUMMY_JOIN_KEY } from '../wire/entity-key.ts'
import type {
  BatchSource,
  Definitions,
  Entity,
  Feature,
  FeatureService,
  FeatureView,
  OnDemandView,
  Projection,
  Registry,
} from './definitions.ts'

/** @throws ServiceError `config_invalid` naming every fault at once */
export function createRegistry(definitions: Definitions): Registry {
  const faults: string[] = []
  const registry: Registry = {
    project: definitions.project,
    entities: byName('entity', definitions.entities, faults),
    views: byName('feature view', definitions.views, faults),
    services: byName('feature service', definitions.services, faults),
    pushSources: byName('push source', definitions.pushSources, faults),
    onDemandViews: byName('on-demand feature view', definitions.onDemandViews ?? [], faults),
    batchSources: batchSourcesOf(definitions),
    permissions: definitions.permissions ?? [],
    onlineVersioning: definitions.onlineVersioning ?? false,
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_]*$/.test(registry.project))
    faults.push(`project '${registry.project}' is not a Feast project name`)
  for (const view of registry.views.values()) faults.push(...faultsOfView(view, registry))
  for (const view of registry.onDemandViews.values())
    faults.push(...faultsOfOnDemand(view, registry))
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

/** Where a view's history lies. @throws ServiceError `invalid_request` for a view that has none */
export function findBatchSource(
  registry: Registry,
  { name, batchSource }: FeatureView,
): BatchSource {
  if (batchSource === undefined)
    throw new ServiceError('invalid_request', `Feature view ${name} has no batch source`)
  return registry.batchSources.get(batchSource.name) ?? batchSource
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

/** A view's own source and a listed one of the same name are one source: the listed one stands. */
function batchSourcesOf({
  views,
  batchSources = [],
}: Definitions): ReadonlyMap<string, BatchSource> {
  const owned = views.flatMap(({ batchSource }) => (batchSource === undefined ? [] : [batchSource]))
  return new Map([...owned, ...batchSources].map((source) => [source.name, source]))
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

function faultsOfOnDemand(view: OnDemandView, registry: Registry): string[] {
  const { name, writeToOnlineStore = false, entities = [] } = view
  if (writeToOnlineStore && entities.length === 0)
    return [`on-demand view '${name}' is stored without an entity`]
  return entities
    .filter((entity) => !registry.entities.has(entity))
    .map((entity) => `on-demand view '${name}' names the unknown entity '${entity}'`)
}

function faultsOfService(service: FeatureService, registry: Registry): string[] {
  return service.projections.flatMap(({ view, features }: Projection) => {
    const known = (registry.views.get(view) ?? registry.onDemandViews.get(view))?.features.map(
      ({ name }) => name,
    )
    if (known === undefined) return [`service '${service.name}' names the unknown view '${view}'`]
    return features
      .filter((name) => !known.includes(name))
      .map((name) => `service '${service.name}' names the unknown feature '${view}:${name}'`)
  })
}
