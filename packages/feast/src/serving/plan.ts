import { ServiceError } from '@usdcop/service/errors'
import type { FeatureView, Registry, RegistrySource } from '../registry/definitions.ts'
import { entitiesOf, findFeature, findService, findView } from '../registry/registry.ts'
import type { EntityType } from '../wire/entity-key.ts'

/** What a caller of `/get-online-features` asks for, entities aside. */
export interface FeatureRequest {
  readonly features: readonly string[]
  /** Wins over `features` unless empty, as in Feast. */
  readonly featureService: string | undefined
  readonly fullFeatureNames: boolean
}

export interface JoinKey {
  readonly name: string
  readonly type: EntityType
}

export interface PlannedView {
  readonly view: FeatureView
  /** None for an entity-less view. */
  readonly joinKeys: readonly JoinKey[]
  readonly features: readonly string[]
  /** The reply's column names, one a feature. */
  readonly columns: readonly string[]
}

/** Everything about a request that does not depend on its entities. */
export interface Plan {
  readonly views: readonly PlannedView[]
  readonly featureCount: number
  readonly registry: Registry
}

/** Requests repeat: a model asks for the same features at every bar. */
const MAX_CACHED_PLANS = 1_000

/** Plans requests, each distinct one once until the definitions change. */
export function createPlanner(source: RegistrySource): (request: FeatureRequest) => Plan {
  const cache = new Map<string, Plan>()
  let registry = source.current
  return (request) => {
    if (source.current !== registry) {
      registry = source.current
      cache.clear()
    }
    const name = nameOf(request)
    const known = cache.get(name)
    if (known !== undefined) return known
    const plan = makePlan(registry, request)
    if (cache.size >= MAX_CACHED_PLANS) cache.clear()
    cache.set(name, plan)
    return plan
  }
}

function nameOf({ features, featureService, fullFeatureNames }: FeatureRequest): string {
  const asked = featureService ? `service\n${featureService}` : `features\n${features.join('\n')}`
  return fullFeatureNames ? `full ${asked}` : asked
}

/**
 * @throws ServiceError `feature_view_unknown`, `feature_service_unknown`, `feature_unknown`,
 *   `feature_name_collision`, or `invalid_request` for a reference that does not parse
 */
export function makePlan(registry: Registry, request: FeatureRequest): Plan {
  const references = referencesOf(registry, request)
  if (references.length === 0)
    throw new ServiceError('invalid_request', 'No features specified for retrieval')
  const grouped = new Map<FeatureView, string[]>()
  for (const { view } of references) grouped.set(findView(registry, view), [])
  assertNoCollision(references, request.fullFeatureNames)
  for (const { view, feature } of references) {
    const found = findView(registry, view)
    grouped.get(found)?.push(findFeature(found, feature).name)
  }
  const views = [...grouped].map(([view, features]) => ({
    view,
    joinKeys: entitiesOf(registry, view).map(({ joinKey, valueType }) => ({
      name: joinKey,
      type: valueType,
    })),
    features,
    columns: request.fullFeatureNames
      ? features.map((feature) => `${view.name}__${feature}`)
      : features,
  }))
  return { views, featureCount: references.length, registry }
}

interface Reference {
  readonly view: string
  readonly feature: string
}

function referencesOf(registry: Registry, request: FeatureRequest): Reference[] {
  if (!request.featureService) return request.features.map(parseReference)
  const { projections } = findService(registry, request.featureService)
  return projections.flatMap(({ view, features }) => features.map((feature) => ({ view, feature })))
}

/** `view:feature`; `view@latest:feature` names the same. Other versions need a registry that keeps them. */
function parseReference(reference: string): Reference {
  const colon = reference.indexOf(':')
  if (colon < 0)
    throw new ServiceError(
      'invalid_request',
      `Invalid feature reference '${reference}'. Expected format: '<feature_view>:<feature>' ` +
        `or '<feature_view>@<version>:<feature>'`,
    )
  const named = reference.slice(0, colon)
  const feature = reference.slice(colon + 1)
  const at = named.indexOf('@')
  if (at < 0) return { view: named, feature }
  const version = named.slice(at + 1)
  if (version === '' || version.toLowerCase() === 'latest')
    return { view: named.slice(0, at), feature }
  const number = /^v(?<number>\d+)$/i.exec(version)?.groups?.['number']
  if (number === undefined) return { view: named, feature }
  throw new ServiceError(
    'invalid_request',
    `Version-qualified ref '${named.slice(0, at)}@v${Number(number)}' not supported: online ` +
      `versioning is disabled. Set 'enable_online_feature_view_versioning: true' under ` +
      `'registry' in feature_store.yaml.`,
  )
}

function assertNoCollision(references: readonly Reference[], fullFeatureNames: boolean): void {
  const separator = '__'
  const names = references.map(({ view, feature }) =>
    fullFeatureNames ? view + separator + feature : feature,
  )
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
  if (twice.length === 0) return
  const remedy = fullFeatureNames
    ? 'To resolve this collision, please ensure that the feature views or their own features have ' +
      "different names. If you're intentionally joining the same feature view twice on different " +
      "sets of entities, please rename one of the feature views with '.with_name'."
    : 'To resolve this collision, either use the full feature name by setting ' +
      "'full_feature_names=True', or ensure that the features in question have different names."
  throw new ServiceError(
    'feature_name_collision',
    `Duplicate features named ${twice.join(', ')} found.\n${remedy}`,
  )
}
