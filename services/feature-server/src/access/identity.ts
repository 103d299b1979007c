import type { Permission, Registry, Tags } from '@usdcop/feast/registry/definitions'
import type { FeatureRequest } from '@usdcop/feast/serving/plan'

/** Feast's names of what a caller of this server can do to a view or a service. */
export type Action = 'READ_ONLINE' | 'WRITE_ONLINE' | 'WRITE_OFFLINE'

/** What an action is done to. */
export interface Resource {
  readonly type: 'FeatureView' | 'OnDemandFeatureView' | 'FeatureService'
  readonly name: string
  readonly tags: Tags
}

/** Somebody who showed a token. */
export interface Identity {
  readonly name: string
  /** Why it may not do all of the actions to the resource; undefined where it may. */
  refusal(
    actions: readonly Action[],
    resource: Resource,
    permissions: readonly Permission[],
  ): string | undefined
  /** A key narrowed to views reads a service through its views, Feast's permissions name the service. */
  readonly readsServicesByView: boolean
}

/** The objects that one request reads, as Feast checks them: the service alone, or every view named. */
export function resourcesRead(
  registry: Registry,
  { features, featureService }: FeatureRequest,
  byView: boolean,
): readonly Resource[] {
  const service = featureService ? registry.services.get(featureService) : undefined
  if (service !== undefined && !byView)
    return [{ type: 'FeatureService', name: service.name, tags: service.tags }]
  const names =
    service === undefined
      ? features.map((reference) => /^[^:@]*/.exec(reference)?.[0] ?? '')
      : service.projections.map(({ view }) => view)
  return [...new Set(names)].map((name) => viewResource(registry, name))
}

/** References may use a view's alias: then the registry has no view of that name, and no tags. */
export function viewResource(registry: Registry, name: string): Resource {
  const onDemand = registry.onDemandViews.get(name)
  if (onDemand !== undefined) return { type: 'OnDemandFeatureView', name, tags: onDemand.tags }
  return { type: 'FeatureView', name, tags: registry.views.get(name)?.tags ?? {} }
}
