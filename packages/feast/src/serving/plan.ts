import { ServiceError } from '@usdcop/service/errors'
import type {
  FeatureView,
  OnDemandView,
  Projection,
  Registry,
  RegistrySource,
} from '../registry/definitions.ts'
import { entitiesOf, findFeature, findService, findView } from '../registry/registry.ts'
import { type EntityType, type EntityValue, singleKeyWriter } from '../wire/entity-key.ts'
import type { ValueType } from '../wire/value-types.ts'
import {
  assertNoCollision,
  findReferenced,
  parseReference,
  type Reference,
  referencesOfService,
  storedName,
} from './references.ts'

/** What a caller of `/get-online-features` asks for, entities aside. */
export interface FeatureRequest {
  readonly features: readonly string[]
  /** Wins over `features` unless empty, as in Feast. */
  readonly featureService: string | undefined
  readonly fullFeatureNames: boolean
}

export interface JoinKey {
  /** The column of the request that holds it. */
  readonly name: string
  /** Its name in stored keys: another where a projection maps it. */
  readonly storedName: string
  readonly type: EntityType
  /** The entity key of a row, where this is the only join key of its view. */
  readonly keyOf: (value: EntityValue) => Buffer
}

export interface PlannedView {
  readonly view: FeatureView
  /** The name that results use: the view's or its alias. */
  readonly label: string
  /** The name that the store knows. */
  readonly storedName: string
  /** None for an entity-less view. */
  readonly joinKeys: readonly JoinKey[]
  /** Says which join keys: views of the same ones are read under the same entity keys. */
  readonly keyId: string
  readonly features: readonly string[]
  /** The reply's column names, one a feature; fewer than features where the rest is input alone. */
  readonly columns: readonly string[]
}

/** An on-demand view whose features are computed for the reply. */
export interface PlannedTransform {
  readonly view: OnDemandView
  readonly features: readonly string[]
  readonly columns: readonly string[]
}

/** Everything about a request that does not depend on its entities. */
export interface Plan {
  readonly views: readonly PlannedView[]
  readonly transforms: readonly PlannedTransform[]
  /** Columns that the request itself must bring for the transforms, by name. */
  readonly requestData: ReadonlyMap<string, ValueType>
  /** Columns that stand for a join key under another name, by that name. */
  readonly mappedKeys: ReadonlyMap<string, EntityType>
  /** The service whose stored vectors answer the request. */
  readonly precomputed: string | undefined
  /** Of all that is read or computed, for a limit on cells. */
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

interface Group {
  readonly view: FeatureView
  readonly label: string
  readonly projection: Projection | undefined
  readonly shown: Set<string>
  /** Read for a transform. */
  readonly inputs: Set<string>
}

interface TransformGroup {
  readonly view: OnDemandView
  readonly label: string
  readonly shown: Set<string>
}

/**
 * @throws ServiceError `feature_view_unknown`, `feature_view_version_unknown`,
 *   `feature_service_unknown`, `feature_unknown`, `feature_name_collision`, or `invalid_request` for a
 *   reference that does not parse or names a view that is out of use
 */
export function makePlan(registry: Registry, request: FeatureRequest): Plan {
  const service = request.featureService ? findService(registry, request.featureService) : undefined
  const references =
    service === undefined ? request.features.map(parseReference) : referencesOfService(service)
  if (references.length === 0)
    throw new ServiceError('invalid_request', 'No features specified for retrieval')
  const { views, transforms } = group(registry, references, request.fullFeatureNames)
  const planned = [...views.values()].map((each) =>
    planView(registry, each, request.fullFeatureNames),
  )
  const computed = [...transforms.values()].map(({ view, label, shown }) => ({
    view,
    features: [...shown],
    columns: columnsOf(label, shown, request.fullFeatureNames),
  }))
  const onDemand = references.some(({ view }) => registry.onDemandViews.has(view))
  return {
    views: planned,
    transforms: computed,
    requestData: requestDataOf([...transforms.values()]),
    mappedKeys: mappedKeysOf(planned),
    precomputed: service?.precomputeOnline && !onDemand ? service.name : undefined,
    featureCount: [...planned, ...computed].reduce(
      (count, { features }) => count + features.length,
      0,
    ),
    registry,
  }
}

function group(
  registry: Registry,
  references: readonly Reference[],
  fullFeatureNames: boolean,
): { views: Map<string, Group>; transforms: Map<string, TransformGroup> } {
  const views = new Map<string, Group>()
  const transforms = new Map<string, TransformGroup>()
  for (const reference of references) {
    const { label, projection } = reference
    const found = findReferenced(registry, reference)
    if (found.kind === 'on demand') {
      if (!transforms.has(label))
        transforms.set(label, { view: found.view, label, shown: new Set() })
    } else openGroup(views, found.view, label, projection)
  }
  assertNoCollision(references, fullFeatureNames)
  for (const { label, feature } of references) {
    const transform = transforms.get(label)
    const owner = (transform ?? views.get(label)) as Group | TransformGroup
    owner.shown.add(featureOf(owner, feature))
    if (transform !== undefined) openInputs(registry, views, transform.view)
  }
  return { views, transforms }
}

function openGroup(
  views: Map<string, Group>,
  view: FeatureView,
  label: string,
  projection: Projection | undefined,
): Group {
  const known = views.get(label)
  if (known !== undefined) return known
  const made = { view, label, projection, shown: new Set<string>(), inputs: new Set<string>() }
  views.set(label, made)
  return made
}

/** A transform's sources are read with the views that the request names itself. */
function openInputs(registry: Registry, views: Map<string, Group>, view: OnDemandView): void {
  for (const projection of view.projections) {
    const source = findView(registry, projection.view)
    const { inputs } = openGroup(views, source, projection.view, projection)
    for (const feature of projection.features) inputs.add(findFeature(source, feature).name)
  }
}

function featureOf({ view, label }: Group | TransformGroup, name: string): string {
  const known = view.features.some((feature) => feature.name === name)
  if (known) return name
  throw new ServiceError('feature_unknown', `Feature ${name} not found in projection ${label}`)
}

function planView(
  registry: Registry,
  { view, label, projection, shown, inputs }: Group,
  fullFeatureNames: boolean,
): PlannedView {
  const joinKeys = entitiesOf(registry, view).map(({ joinKey, valueType }) => ({
    name: projection?.joinKeyMap?.[joinKey] ?? joinKey,
    storedName: joinKey,
    type: valueType,
    keyOf: singleKeyWriter(joinKey),
  }))
  return {
    view,
    label: projection?.alias ?? view.name,
    storedName: storedName(registry, view),
    joinKeys,
    keyId: joinKeys.map((key) => `${key.name}\t${key.storedName}`).join('\n'),
    features: [...new Set([...shown, ...inputs])],
    columns: columnsOf(label, shown, fullFeatureNames),
  }
}

function columnsOf(label: string, features: ReadonlySet<string>, full: boolean): string[] {
  return full ? [...features].map((feature) => `${label}__${feature}`) : [...features]
}

function requestDataOf(transforms: readonly TransformGroup[]): ReadonlyMap<string, ValueType> {
  const fields = transforms.flatMap(({ view }) =>
    view.requestSources.flatMap(({ schema }) => schema),
  )
  return new Map(fields.map(({ name, valueType }) => [name, valueType]))
}

function mappedKeysOf(views: readonly PlannedView[]): ReadonlyMap<string, EntityType> {
  const mapped = views
    .flatMap(({ joinKeys }) => joinKeys)
    .filter((key) => key.name !== key.storedName)
  return new Map(mapped.map(({ name, type }) => [name, type]))
}
