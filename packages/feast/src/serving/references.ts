import { ServiceError } from '@usdcop/service/errors'
import type {
  FeatureService,
  FeatureView,
  OnDemandView,
  Projection,
  Registry,
} from '../registry/definitions.ts'
import { findView } from '../registry/registry.ts'
import { asStored } from './stored-view.ts'

/** One feature of one view as a request, or a service, names it. */
export interface Reference {
  readonly view: string
  readonly feature: string
  /** `view@v2`; undefined is the view as it is now. */
  readonly version: number | undefined
  /** The name that results use: the view's, its alias or `view@v2`. */
  readonly label: string
  /** Of a service's view alone. */
  readonly projection: Projection | undefined
}

/** `view:feature`; `view@latest:feature` names the same. */
export function parseReference(reference: string): Reference {
  const colon = reference.indexOf(':')
  if (colon < 0)
    throw new ServiceError(
      'invalid_request',
      `Invalid feature reference '${reference}'. Expected format: '<feature_view>:<feature>' ` +
        `or '<feature_view>@<version>:<feature>'`,
    )
  const named = reference.slice(0, colon)
  const feature = reference.slice(colon + 1)
  const plain = (view: string): Reference => ({
    view,
    feature,
    version: undefined,
    label: view,
    projection: undefined,
  })
  const at = named.indexOf('@')
  if (at < 0) return plain(named)
  const tag = named.slice(at + 1)
  if (tag === '' || tag.toLowerCase() === 'latest') return plain(named.slice(0, at))
  const number = /^v(?<number>\d+)$/i.exec(tag)?.groups?.['number']
  // As in Feast, any other text behind the @ belongs to the name.
  if (number === undefined) return plain(named)
  const view = named.slice(0, at)
  const version = Number(number)
  return { ...plain(view), version, label: `${view}@v${version}` }
}

export function referencesOfService({ projections }: FeatureService): Reference[] {
  return projections.flatMap((projection) => {
    const { view, features, alias = view, version } = projection
    const label = version === undefined ? alias : `${alias}@v${version}`
    return features.map((feature) => ({ view, feature, version, label, projection }))
  })
}

export type FoundView =
  | { readonly kind: 'view'; readonly view: FeatureView }
  | { readonly kind: 'on demand'; readonly view: OnDemandView }

/**
 * The view that a reference means.
 * @throws ServiceError `feature_view_unknown`, `feature_view_version_unknown`, or `invalid_request`
 *   for a version where the registry keeps none, and for a view that is out of use, `not_supported` for
 *   an earlier version of an on-demand view that is not stored
 */
export function findReferenced(registry: Registry, { view, version }: Reference): FoundView {
  const onDemand = registry.onDemandViews.get(view)
  if (version !== undefined)
    return onDemand === undefined
      ? { kind: 'view', view: inUse(findVersion(registry, view, version)) }
      : findOnDemandVersion(registry, onDemand, version)
  if (onDemand === undefined) return { kind: 'view', view: inUse(findView(registry, view)) }
  return onDemand.writeToOnlineStore
    ? { kind: 'view', view: asStored(registry, onDemand) }
    : { kind: 'on demand', view: onDemand }
}

/** Feast's transformation service knows a view by its name alone, and so the current version of it. */
function findOnDemandVersion(
  registry: Registry,
  current: OnDemandView,
  version: number,
): FoundView {
  const { name } = current
  assertVersioned(registry, name, version)
  const past = current.history?.get(version)
  const view = (current.version ?? 0) === version ? current : past && { ...past, version }
  if (view === undefined) throw unknownVersion(registry, name, version)
  if (view.writeToOnlineStore) return { kind: 'view', view: asStored(registry, view) }
  if (view === current) return { kind: 'on demand', view }
  throw new ServiceError(
    'not_supported',
    `On demand feature view '${name}' is not computed here as of v${version}: a transformation service ` +
      `runs its current version alone, v${current.version ?? 0}`,
  )
}

function assertVersioned(registry: Registry, name: string, version: number): void {
  if (!registry.onlineVersioning)
    throw new ServiceError(
      'invalid_request',
      `Version-qualified ref '${name}@v${version}' not supported: online versioning is disabled. ` +
        `Set 'enable_online_feature_view_versioning: true' under 'registry' in feature_store.yaml.`,
    )
}

function findVersion(registry: Registry, name: string, version: number): FeatureView {
  assertVersioned(registry, name, version)
  const view = registry.views.get(name)
  const past = view?.history?.get(version)
  if (past !== undefined) return { ...past, version }
  if (view !== undefined && (view.version ?? 0) === version) return view
  throw unknownVersion(registry, name, version)
}

function unknownVersion({ project }: Registry, name: string, version: number): ServiceError {
  return new ServiceError(
    'feature_view_version_unknown',
    `Version v${version} of feature view ${name} does not exist in project ${project}`,
  )
}

function inUse(view: FeatureView): FeatureView {
  if (view.disabled !== true) return view
  throw new ServiceError(
    'invalid_request',
    `Feature view '${view.name}' is disabled and cannot serve features. Enable it with ` +
      `\`feast feature-views enable ${view.name}\` or set enabled=True.`,
  )
}

/** The name under which the store keeps a view's rows: its versions lie side by side. */
export function storedName(registry: Registry, { name, version }: FeatureView): string {
  return registry.onlineVersioning && version !== undefined && version > 0
    ? `${name}_v${version}`
    : name
}

/** @throws ServiceError `feature_name_collision` */
export function assertNoCollision(
  references: readonly Reference[],
  fullFeatureNames: boolean,
): void {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const { label, feature } of references) {
    const name = fullFeatureNames ? `${label}__${feature}` : feature
    if (seen.has(name)) twice.add(name)
    seen.add(name)
  }
  if (twice.size === 0) return
  const remedy = fullFeatureNames
    ? 'To resolve this collision, please ensure that the feature views or their own features have ' +
      "different names. If you're intentionally joining the same feature view twice on different " +
      "sets of entities, please rename one of the feature views with '.with_name'."
    : 'To resolve this collision, either use the full feature name by setting ' +
      "'full_feature_names=True', or ensure that the features in question have different names."
  throw new ServiceError(
    'feature_name_collision',
    `Duplicate features named ${[...twice].join(', ')} found.\n${remedy}`,
  )
}
